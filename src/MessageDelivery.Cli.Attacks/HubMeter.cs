using System.Diagnostics;
using System.Globalization;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Memory and processor time of a hub on this machine, from <c>/proc</c> (proc(5)).</summary>
internal sealed class HubMeter : IAsyncDisposable
{
    private const double TicksPerSecond = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly int _process;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Task _sampling;
    private long _before;
    private long _peak;
    private double _cpuBefore;
    private long _since;

    private HubMeter(int process)
    {
        _process = process;
        Begin();
        _sampling = SampleAsync();
    }

    public int ProcessId => _process;

    /// <summary>A meter for a process; null if there is none of this number, or it cannot be looked at.</summary>
    public static HubMeter? Create(int process) => ResidentBytes(process) is null ? null : new(process);

    /// <summary>Begins anew.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            _before = _peak = ResidentBytes(_process) ?? 0;
            _cpuBefore = CpuSeconds(_process) ?? 0;
            _since = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>What was used since it began; null if the process is gone.</summary>
    public HubUse? End()
    {
        Sample();
        lock (_lock)
        {
            return CpuSeconds(_process) is { } cpu
                ? new(_before, _peak, Math.Round((cpu - _cpuBefore) / Stopwatch.GetElapsedTime(_since).TotalSeconds, 2))
                : null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _sampling;
        _stopped.Dispose();
    }

    private async Task SampleAsync()
    {
        using var timer = new PeriodicTimer(Pause);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopped.Token))
            {
                Sample();
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private void Sample()
    {
        long now = ResidentBytes(_process) ?? 0;
        lock (_lock)
        {
            _peak = Math.Max(_peak, now);
        }
    }

    private static long? ResidentBytes(int process)
    {
        const string Field = "VmRSS:";
        return Read($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/status")?.Split('\n')
            .FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal)) is { } line
            && long.TryParse(line[Field.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out long kilobytes)
                ? kilobytes << 10
                : null;
    }

    private static double? CpuSeconds(int process)
    {
        // The name in the second field may hold anything; what follows its last parenthesis is numbers.
        const int UserTime = 11;
        string[]? fields = Read($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat") is { } stat
            ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ')
            : null;
        return fields is { Length: > UserTime + 1 }
            ? (double.Parse(fields[UserTime], CultureInfo.InvariantCulture) + double.Parse(fields[UserTime + 1], CultureInfo.InvariantCulture)) / TicksPerSecond
            : null;
    }

    private static string? Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>What a hub used.</summary>
/// <param name="BytesBefore">Its memory when it began.</param>
/// <param name="PeakBytes">The most it had.</param>
/// <param name="Processors">Processors kept busy on average.</param>
internal sealed record HubUse(long BytesBefore, long PeakBytes, double Processors);
