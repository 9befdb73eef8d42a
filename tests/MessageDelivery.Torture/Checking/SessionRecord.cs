namespace MessageDelivery.Torture.Checking;

/// <summary>A session, as sender and as receiver.</summary>
internal sealed class SessionRecord(ulong number, ulong userId, ClientKind kind, SessionRecord? predecessor)
{
    /// <summary>How far a session's number is shifted to leave its client's.</summary>
    public const int ClientShift = 32;

    public ulong Number { get; } = number;

    public ulong UserId { get; } = userId;

    public ClientKind Kind { get; } = kind;

    /// <summary>The session that the same client had before, while messages to it may still come up.</summary>
    public SessionRecord? Predecessor { get; set; } = predecessor;

    /// <summary>Nothing has to arrive there any more.</summary>
    public bool IsOver { get; set; }

    /// <summary>Relays sent.</summary>
    public long Sent { get; set; }

    /// <summary>Relays that the hub has carried out.</summary>
    public long Processed { get; set; }

    /// <summary>Its relays that are not settled, by number.</summary>
    public Dictionary<long, RelayRecord> Relays { get; } = [];

    /// <summary>Relays whose receipts have to come in this order.</summary>
    public Queue<long> Receipts { get; } = new();

    /// <summary>What it is to receive, by the sender's session.</summary>
    public Dictionary<ulong, PairRecord> From { get; } = [];

    /// <summary>Sessions it has written to.</summary>
    public HashSet<SessionRecord> To { get; } = [];

    public long FramesAcknowledged { get; set; }

    /// <summary>Why its session must be over: somebody was told that it is unknown, or that it is full for good.</summary>
    public string? MustBeOver { get; set; }

    public string Client => $"{Number >> ClientShift}.{(uint)Number}";

    public override string ToString() => $"{Kind.ToString().ToLowerInvariant()} client {Client} (user {UserId})";
}

/// <summary>What is on its way from one session to another.</summary>
internal sealed class PairRecord(SessionRecord author)
{
    public SessionRecord Author { get; } = author;

    /// <summary>What may still come, in the order in which it was sent.</summary>
    public Queue<CopyRecord> Coming { get; } = new();

    /// <summary>The number of the last that came.</summary>
    public long LastArrived { get; set; }

    /// <summary>Numbers of the last that a later one has overtaken.</summary>
    public Queue<long> PassedOver { get; } = new();

    public long TinyPossible { get; set; }

    public long TinyDue { get; set; }

    public long TinyArrived { get; set; }
}
