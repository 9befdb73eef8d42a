using MessageDelivery.Scenarios;
using MessageDelivery.Scenarios.Measuring;

namespace MessageDelivery.Torture.Running;

/// <summary>
/// Whether the hub's memory grew while the load stayed the same: a straight line through the samples after the warm-up, which is
/// the first third. What is worth failing for is a leak, so the line has to rise by more than an amount for each hour, and by more
/// than an allocator's breath over what was measured.
/// </summary>
internal sealed class MemorySlope
{
    private const double MaxBytesPerHour = 32 << 20;
    private const double MaxBreathBytes = 16 << 20;

    public MemorySlope(IEnumerable<MemorySample> samples, TimeSpan loaded)
    {
        List<MemorySample> judged = [.. samples.Where(sample => sample.Time > loaded / 3 && sample.Time < loaded)];
        BytesPerHour = 60 * Statistics.BytesPerMinute(judged);
        double rise = BytesPerHour * (loaded * 2 / 3).TotalHours;
        Failure = BytesPerHour > MaxBytesPerHour && rise > MaxBreathBytes
            ? $"the hub's memory grew by {Quantity.Mebibytes((long)BytesPerHour)} an hour; {Quantity.Mebibytes((long)MaxBytesPerHour)} are the most"
            : null;
    }

    public double BytesPerHour { get; }

    public string? Failure { get; }
}
