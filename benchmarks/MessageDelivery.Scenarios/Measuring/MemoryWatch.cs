using System.Diagnostics;
using System.Globalization;

namespace MessageDelivery.Scenarios.Measuring;

/// <summary>The memory of a process at one moment, and what else the scenario counts.</summary>
internal readonly record struct MemorySample(TimeSpan Time, long ResidentBytes, long Counted);

/// <summary>Reads a process's resident memory four times a second, on a thread of its own.</summary>
internal sealed class MemoryWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly string _status;
    private readonly Func<long> _counter;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stopped = new();
    private readonly long _begin = Stopwatch.GetTimestamp();

    /// <param name="counter">Read with each sample.</param>
    public MemoryWatch(int processId, Func<long>? counter = null)
    {
        _status = $"/proc/{processId}/status";
        _counter = counter ?? (() => 0);
        _thread = new(Run) { IsBackground = true, Name = "memory watch" };
        _thread.Start();
    }

    /// <summary>Valid after <see cref="Stop"/>.</summary>
    public List<MemorySample> Samples { get; } = [];

    /// <summary>The kernel's own high-water mark, which sees what lies between two samples.</summary>
    public long PeakBytes { get; private set; }

    public TimeSpan Now => Stopwatch.GetElapsedTime(_begin);

    public void Stop()
    {
        _stopped.Set();
        _thread.Join();
    }

    public void Dispose()
    {
        Stop();
        _stopped.Dispose();
    }

    public static long ResidentBytes(int processId) => Read($"/proc/{processId}/status").Resident;

    private void Run()
    {
        do
        {
            var (resident, peak) = Read(_status);
            if (resident > 0)
            {
                Samples.Add(new(Now, resident, _counter()));
                PeakBytes = Math.Max(PeakBytes, peak);
            }
        }
        while (!_stopped.Wait(Interval));
    }

    private static (long Resident, long Peak) Read(string path)
    {
        long resident = 0;
        long peak = 0;
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
                {
                    resident = Kilobytes(line);
                }
                else if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                {
                    peak = Kilobytes(line);
                }
            }
        }
        catch (IOException)
        {
            // The process has ended; whoever watches it will notice.
        }

        return (resident, peak);
    }

    private static long Kilobytes(string line) =>
        1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
