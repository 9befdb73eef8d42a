namespace MessageDelivery.Protocol;

/// <summary>What became of a relay for one receiver, as a RECEIPT tells it.</summary>
public enum Outcome : byte
{
    /// <summary>Queued for a connected user.</summary>
    Accepted = 0,
    /// <summary>Kept for a user who is away but may still resume.</summary>
    Held = 1,
    /// <summary>Nobody has that id.</summary>
    Unknown = 2,
    /// <summary>The receiver's queue was full and the relay was not to wait, or its session ended for being full.</summary>
    Full = 3,
    /// <summary>The hub that has this user cannot be reached.</summary>
    Unreachable = 4,
    /// <summary>The receiver has acknowledged it.</summary>
    Delivered = 5,
}

/// <summary>The names of outcomes in the text protocol.</summary>
public static class OutcomeExtensions
{
    /// <summary>The name as text users see it, such as <c>unknown</c>; a number for an outcome this version does not know.</summary>
    public static string Name(this Outcome outcome) => outcome switch
    {
        Outcome.Accepted => "accepted",
        Outcome.Held => "held",
        Outcome.Unknown => "unknown",
        Outcome.Full => "full",
        Outcome.Unreachable => "unreachable",
        Outcome.Delivered => "delivered",
        _ => ((byte)outcome).ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
