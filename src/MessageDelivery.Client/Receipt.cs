using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>What became of a relay for one receiver.</summary>
/// <param name="Receiver">The receiver's id.</param>
/// <param name="Outcome">Whether the hub took the message for it, or why not.</param>
public readonly record struct ReceiptEntry(ulong Receiver, Outcome Outcome)
{
    /// <summary>Whether the hub has taken the message for this receiver: accepted, held or delivered.</summary>
    public bool IsAccepted => Outcome is Outcome.Accepted or Outcome.Held or Outcome.Delivered;

    /// <summary>Whether this receiver has acknowledged the message because its program has taken it, which a receipt tells only with <see cref="RelayOptions.Confirm"/>.</summary>
    public bool IsDelivered => Outcome == Outcome.Delivered;
}

/// <summary>What became of a relay. Immutable.</summary>
public sealed class Receipt
{
    private readonly ReceiptEntry[] _entries;

    internal Receipt(ReceiptEntry[] entries) => _entries = entries;

    /// <summary>One entry for each receiver as listed, duplicates included.</summary>
    public IReadOnlyList<ReceiptEntry> Entries => _entries;

    /// <summary>Whether the hub has taken the message for everyone.</summary>
    public bool AllAccepted => Array.TrueForAll(_entries, static entry => entry.IsAccepted);
}
