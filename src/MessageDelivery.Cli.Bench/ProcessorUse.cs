using System.Diagnostics;

namespace MessageDelivery.Cli.Bench;

/// <summary>How many processors this program kept busy between its first and its last sample.</summary>
internal sealed class ProcessorUse
{
    private (long At, TimeSpan Used)? _first;
    private (long At, TimeSpan Used) _last;

    /// <summary>Processors, to the hundredth; 0 where there were not two samples.</summary>
    public double Average => _first is { } first && _last.At > first.At
        ? Math.Round((_last.Used - first.Used) / Stopwatch.GetElapsedTime(first.At, _last.At), 2)
        : 0;

    /// <summary>Looks, unless this moment does not count.</summary>
    public void Sample(bool isMeasuring, bool isSending)
    {
        if (isMeasuring && isSending)
        {
            _last = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            _first ??= _last;
        }
    }
}
