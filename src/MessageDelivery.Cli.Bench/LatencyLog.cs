using HdrHistogram;

namespace MessageDelivery.Cli.Bench;

/// <summary>
/// Times in a histogram from 1 µs to 60 s, exact to three digits; what is longer counts as 60 s. Thread-safe through one
/// <see cref="Writer"/> for each thread that records.
/// </summary>
internal sealed class LatencyLog
{
    public const double NanosecondsPerMicrosecond = 1_000;

    private const long MinNanoseconds = 1_000;
    private const long MaxNanoseconds = 60_000_000_000;
    private const int Digits = 3;

    // The plotters' default: each half of what remains up to 100 % has so many lines.
    private const int LinesPerHalf = 5;

    private readonly Lock _lock = new();
    private readonly LongHistogram _histogram = new(MinNanoseconds, MaxNanoseconds, Digits);

    /// <summary>Times recorded and flushed.</summary>
    public long Count => _histogram.TotalCount;

    /// <summary>The percentiles in microseconds; null where nothing was recorded.</summary>
    public LatencySummary? Summarize() => Count == 0 ? null : new(
        Microseconds(_histogram.GetMean()),
        Microseconds(_histogram.GetValueAtPercentile(50)),
        Microseconds(_histogram.GetValueAtPercentile(90)),
        Microseconds(_histogram.GetValueAtPercentile(99)),
        Microseconds(_histogram.GetValueAtPercentile(99.9)),
        Microseconds(_histogram.GetMaxValue()));

    /// <summary>Writes HdrHistogram's percentile distribution, in microseconds.</summary>
    public void WritePercentiles(TextWriter output) =>
        _histogram.OutputPercentileDistribution(output, LinesPerHalf, NanosecondsPerMicrosecond);

    private static double Microseconds(double nanoseconds) => Math.Round(nanoseconds / NanosecondsPerMicrosecond, 1);

    /// <summary>Collects times and hands them on many at once, so that threads seldom meet at the lock. One thread at a time.</summary>
    public sealed class Writer(LatencyLog log)
    {
        private readonly long[] _times = new long[128];
        private int _count;

        public void Record(long nanoseconds)
        {
            _times[_count++] = Math.Clamp(nanoseconds, 0, MaxNanoseconds);
            if (_count == _times.Length)
            {
                Flush();
            }
        }

        public void Flush()
        {
            lock (log._lock)
            {
                foreach (long time in _times.AsSpan(0, _count))
                {
                    log._histogram.RecordValue(time);
                }
            }

            _count = 0;
        }
    }
}

/// <summary>Microseconds.</summary>
internal sealed record LatencySummary(double Mean, double P50, double P90, double P99, double P999, double Max);
