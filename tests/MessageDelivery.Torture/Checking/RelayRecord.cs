using MessageDelivery.Protocol;

namespace MessageDelivery.Torture.Checking;

/// <summary>What the sender knows of a relay's fate for one receiver.</summary>
internal enum Fate
{
    /// <summary>Nothing yet.</summary>
    Open,
    /// <summary>Carried out; it had no receipt that would tell more.</summary>
    Processed,
    /// <summary>The hub has taken it: outcome 0, 1 or 5.</summary>
    Accepted,
    /// <summary>The hub has not taken it: outcome 2 or 3, or an ERROR.</summary>
    Refused,
    /// <summary>The sender's session ended before it could know.</summary>
    Unknowable,
}

/// <summary>What the receiver knows.</summary>
internal enum Arrival
{
    Pending,
    Arrived,
    /// <summary>A later relay of the same sender arrived before it; it can only come too late.</summary>
    PassedOver,
}

/// <summary>A relay that is not settled yet.</summary>
internal sealed class RelayRecord(SessionRecord author, long number, RelayFlags flags, int bodyBytes, ulong[] listed)
{
    public SessionRecord Author { get; } = author;

    public long Number { get; } = number;

    public RelayFlags Flags { get; } = flags;

    public int BodyBytes { get; } = bodyBytes;

    /// <summary>Receivers as listed, duplicates included.</summary>
    public ulong[] Listed { get; } = listed;

    /// <summary>One for each different receiver.</summary>
    public List<CopyRecord> Copies { get; } = new(listed.Length);

    public bool HasReceipt => Flags.HasFlag(RelayFlags.Receipt);

    public bool IsAnswered { get; set; }

    public CopyRecord? CopyFor(ulong userId)
    {
        foreach (var copy in Copies)
        {
            if (copy.UserId == userId)
            {
                return copy;
            }
        }

        return null;
    }
}

/// <summary>What one receiver of a relay is to get.</summary>
/// <param name="receiver">Null if nobody has the id.</param>
internal sealed class CopyRecord(RelayRecord relay, ulong userId, SessionRecord? receiver)
{
    public RelayRecord Relay { get; } = relay;

    public ulong UserId { get; } = userId;

    public SessionRecord? Receiver { get; } = receiver;

    public Fate Fate { get; set; }

    public Arrival Arrival { get; set; }

    /// <summary>Its place among the receiver's counted frames, once it has arrived.</summary>
    public long Count { get; set; }

    /// <summary>Too short to tell it from others: counted, not matched.</summary>
    public bool IsTiny { get; init; }

    /// <summary>Whether the hub has to deliver it, as far as is known.</summary>
    public bool IsDue => !IsTiny && Arrival != Arrival.Arrived && Receiver is { IsOver: false }
        && (Fate == Fate.Accepted || (Fate == Fate.Processed && !Relay.Flags.HasFlag(RelayFlags.BestEffort)));

    /// <summary>Whether nothing can come of it any more that would have to be checked with it.</summary>
    public bool IsSettled => Fate switch
    {
        Fate.Open => false,
        Fate.Refused => true,
        _ when IsTiny || Receiver is null || Arrival != Arrival.Pending => true,
        _ => Receiver.IsOver,
    };
}
