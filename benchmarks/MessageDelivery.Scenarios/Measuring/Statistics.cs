namespace MessageDelivery.Scenarios.Measuring;

/// <summary>Order statistics and a straight line.</summary>
internal static class Statistics
{
    /// <summary>The value below which this share of the values lies; zero where there are none.</summary>
    public static TimeSpan Quantile(List<TimeSpan> sorted, double share) =>
        sorted.Count == 0 ? TimeSpan.Zero : sorted[(int)Math.Min(sorted.Count - 1, share * sorted.Count)];

    public static long Median(IEnumerable<MemorySample> samples)
    {
        long[] sorted = [.. samples.Select(sample => sample.ResidentBytes).Order()];
        return sorted.Length == 0 ? 0 : sorted[sorted.Length / 2];
    }

    /// <summary>Bytes per minute by which the memory grows: the least squares' line.</summary>
    public static double BytesPerMinute(IReadOnlyCollection<MemorySample> samples)
    {
        if (samples.Count < 2)
        {
            return 0;
        }

        double meanTime = samples.Average(sample => sample.Time.TotalMinutes);
        double meanBytes = samples.Average(sample => (double)sample.ResidentBytes);
        double above = samples.Sum(sample => (sample.Time.TotalMinutes - meanTime) * (sample.ResidentBytes - meanBytes));
        double below = samples.Sum(sample => Math.Pow(sample.Time.TotalMinutes - meanTime, 2));
        return above / below;
    }
}
