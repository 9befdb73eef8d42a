namespace MessageDelivery.Protocol;

/// <summary>Flags of a HELLO.</summary>
[Flags]
public enum HelloFlags : byte
{
    /// <summary>A plain session that ends with its connection.</summary>
    None = 0,
    /// <summary>Asks for a session that survives a lost connection.</summary>
    Resumable = 1,
    /// <summary>Resumes the session whose key follows the magic.</summary>
    Resume = 2,
    /// <summary>Every flag a HELLO defines.</summary>
    All = Resumable | Resume,
}

/// <summary>Flags of a WELCOME.</summary>
[Flags]
public enum WelcomeFlags : byte
{
    /// <summary>A plain session.</summary>
    None = 0,
    /// <summary>The session can be resumed; its key and totals follow.</summary>
    Resumable = 1,
    /// <summary>The session of the HELLO's key was resumed.</summary>
    Resumed = 2,
}

/// <summary>Flags of a RELAY.</summary>
[Flags]
public enum RelayFlags : byte
{
    /// <summary>Wait for receivers whose queue is full; no receipt.</summary>
    None = 0,
    /// <summary>A correlation (u64) stands before the receivers, and a RECEIPT with it is sent.</summary>
    Receipt = 1,
    /// <summary>Leave out a receiver whose queue is full.</summary>
    BestEffort = 2,
    /// <summary>The receipt waits for the receivers' acknowledgement; only with <see cref="Receipt"/>.</summary>
    Confirm = 4,
    /// <summary>Every flag a RELAY defines.</summary>
    All = Receipt | BestEffort | Confirm,
}

/// <summary>Flags of a DELIVERY.</summary>
[Flags]
public enum DeliveryFlags : byte
{
    /// <summary>Acknowledge it whenever that is due.</summary>
    None = 0,
    /// <summary>Somebody waits for the acknowledgement: a resumable client sends ACK as soon as this delivery counts.</summary>
    Confirm = 4,
}

/// <summary>Flags of a LIST that a client sends.</summary>
[Flags]
public enum ListFlags : byte
{
    /// <summary>One list.</summary>
    None = 0,
    /// <summary>The list, and then who comes and goes.</summary>
    Watch = 1,
}

/// <summary>Flags of a LIST that a hub sends.</summary>
[Flags]
public enum ListReplyFlags : byte
{
    /// <summary>The last frame of this list.</summary>
    None = 0,
    /// <summary>Another LIST frame follows.</summary>
    More = 1,
}

/// <summary>Flags of an ERROR.</summary>
[Flags]
public enum ErrorFlags : byte
{
    /// <summary>The payload is text.</summary>
    None = 0,
    /// <summary>The payload begins with the correlation (u64) of the relay whose receipt this error replaces.</summary>
    Correlated = 1,
}

/// <summary>The argument of a PRESENCE frame.</summary>
public enum PresenceChange : ushort
{
    /// <summary>These users came.</summary>
    Joined = 1,
    /// <summary>These users went.</summary>
    Left = 2,
}
