namespace MessageDelivery.Hub.Transport;

/// <summary>How many connections of one loop have ended, by reason. Counted by its thread, read by any.</summary>
internal sealed class CloseCounts
{
    private readonly long[] _counts = new long[Enum.GetValues<CloseReason>().Length];

    public long Total => _counts.Sum();

    public long this[CloseReason reason] => _counts[(int)reason];

    public void Add(CloseReason reason) => _counts[(int)reason]++;
}
