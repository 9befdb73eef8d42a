using MessageDelivery.Torture.Checking;

namespace MessageDelivery.Torture.Clients;

/// <summary>What a binary client remembers of its session from one connection to the next.</summary>
internal sealed class BinarySession(ulong number, ulong userId)
{
    public ulong Number { get; } = number;

    public ulong UserId { get; } = userId;

    /// <summary>With which another connection takes it over; null if the hub does not offer that.</summary>
    public byte[]? Key { get; set; }

    public TimeSpan Window { get; set; }

    public long RetentionBytes { get; set; }

    public SentRelays Relays { get; } = new();

    /// <summary>Counted frames received.</summary>
    public long FramesReceived { get; set; }

    /// <summary>What was told to the hub of them.</summary>
    public long FramesAcknowledged { get; set; }

    /// <summary>Bytes of the counted frames that are not acknowledged.</summary>
    public long BytesNotAcknowledged { get; set; }

    /// <summary>When the first of them came; a timestamp.</summary>
    public long FirstNotAcknowledged { get; set; }

    /// <summary>Whether somebody waits for what is not acknowledged.</summary>
    public bool IsAwaited { get; set; }

    /// <summary>Whether its last relay, which tells that all before it is carried out, was sent.</summary>
    public bool HasConcluded { get; set; }

    public Absence Absence(TimeSpan away) => new(away, Window, RetentionBytes);
}
