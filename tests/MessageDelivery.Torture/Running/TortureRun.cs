using System.Diagnostics;
using MessageDelivery.Scenarios;
using MessageDelivery.Scenarios.Measuring;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Running;

/// <summary>A run from the hub's start to its stop: load and faults, then calm, and everything has to be accounted for.</summary>
internal sealed class TortureRun(TortureSettings settings)
{
    /// <summary>The hub's own settings: short enough that a run of minutes sees windows expire and timeouts pass.</summary>
    private static readonly string[] HubOptions = ["--heartbeat", "5s", "--memory-limit", "1GiB", "--queue-limit", "1MiB"];
    private static readonly string[] ResumeOptions =
        ["--resume-window", "20s", "--resume-retention", "4MiB", "--confirm-timeout", "3s"];

    /// <summary>How long messages of a session that has ended may still be under way: more than any window or timeout of the hub's.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan MaxDrain = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan MaxLeave = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);

    private readonly UserDirectory _directory = new();
    private readonly FaultCounts _faults = new(areOn: !settings.IsSoak);
    private readonly List<string> _failures = [];

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        using var hub = await StartHubAsync();
        MetersCheck? meters = settings.IsSoak ? await MetersCheck.BeginAsync(hub.Id) : null;
        var offer = await HubOffer.AskAsync(hub.Endpoint);
        var checker = new Checker(_directory, Grace) { HasConfirm = offer.HasConfirm };
        Progress($"resumable sessions: {(offer.HasResume ? "yes" : "no")}, confirmed receipts: {(offer.HasConfirm ? "yes" : "no")}");
        long begin = Stopwatch.GetTimestamp();
        using var memory = new MemoryWatch(hub.Id, () => checker.Counts.Sent);
        await using var crowd = new RunningCrowd(settings, hub.Endpoint, offer, checker, _directory, _faults);
        crowd.Start();
        await LoadAsync(hub, crowd, checker, cancellationToken);
        var loaded = Stopwatch.GetElapsedTime(begin);

        await DrainAsync(hub, crowd, checker);
        var drained = Stopwatch.GetElapsedTime(begin) - loaded;
        await LeaveAsync(hub, crowd);
        memory.Stop();
        if (meters is not null && !hub.HasExited)
        {
            _failures.AddRange(await meters.EndAsync());
        }

        int? exitCode = await hub.StopAsync();
        if (exitCode != 0)
        {
            _failures.Add($"the hub ended with exit code {exitCode?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none: it had to be killed"}");
        }

        MemorySlope? slope = settings.IsSoak ? new MemorySlope(memory.Samples, loaded) : null;
        if (slope?.Failure is { } grows)
        {
            _failures.Add(grows);
        }

        int result = new TortureReport(settings, offer, checker, _faults, memory, slope, meters, crowd.Sabotage, loaded, drained, _failures).Print();
        if (result != 0)
        {
            hub.PrintLog();
        }

        return result;
    }

    public static void Progress(string text) => Console.Error.WriteLine($"  {text}");

    private static async Task<HubProcess> StartHubAsync()
    {
        using var help = Process.Start(new ProcessStartInfo(Path.Combine(Repository.Root, "mds"), ["serve", "--help"]) { RedirectStandardOutput = true })!;
        string text = await help.StandardOutput.ReadToEndAsync();
        await help.WaitForExitAsync();
        return await HubProcess.StartAsync(text.Contains(ResumeOptions[0], StringComparison.Ordinal) ? [.. HubOptions, .. ResumeOptions] : HubOptions);
    }

    private async Task LoadAsync(HubProcess hub, RunningCrowd crowd, Checker checker, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(settings.Length);
        var striking = settings.IsSoak ? Task.CompletedTask : new HubStops(hub.Id, _faults, settings.Seed).RunAsync(over.Token);
        var freezing = settings.IsSoak ? Task.CompletedTask : crowd.FreezeAsync(over.Token);
        long begin = Stopwatch.GetTimestamp();
        long reported = 0;
        while (!over.IsCancellationRequested && !hub.HasExited && !crowd.HasFailed)
        {
            await Task.Delay(ProgressInterval / 10, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var elapsed = Stopwatch.GetElapsedTime(begin);
            if (elapsed.Ticks / ProgressInterval.Ticks > reported)
            {
                reported = elapsed.Ticks / ProgressInterval.Ticks;
                var counts = checker.Counts;
                Progress($"{elapsed.TotalSeconds:0} s: {Quantity.Count(counts.Sent)} relays, {Quantity.Count(counts.Deliveries)} deliveries, "
                    + $"{Quantity.Count(counts.Resumes)} resumes, {Quantity.Count(checker.ViolationCounts.Values.Sum())} violations");
            }
        }

        await over.CancelAsync();
        await striking;
        await freezing;
    }

    /// <summary>No faults and nothing new: everybody comes back, and everything that is still to come does.</summary>
    private async Task DrainAsync(HubProcess hub, RunningCrowd crowd, Checker checker)
    {
        _faults.TurnOff();
        crowd.StopSending();
        long begin = Stopwatch.GetTimestamp();
        string? outstanding;
        int quiet = 0;
        long reported = 0;
        do
        {
            await Task.Delay(200);
            outstanding = checker.Outstanding();
            quiet = outstanding is null ? quiet + 1 : 0;
            if (Stopwatch.GetElapsedTime(begin).Ticks / ProgressInterval.Ticks > reported)
            {
                reported++;
                Progress($"drain: {outstanding ?? "quiet"}");
            }
        }
        // Some clients are yet to say their last: what is quiet has to stay so for a moment.
        while (quiet < 10 && Stopwatch.GetElapsedTime(begin) < MaxDrain && !hub.HasExited && !crowd.HasFailed);
        if (outstanding is not null)
        {
            _failures.Add($"not quiet within {MaxDrain.TotalSeconds:0} s: {outstanding}");
        }

        if (hub.HasExited)
        {
            _failures.Add("the hub's process ended during the run");
        }

        checker.Conclude();
    }

    private async Task LeaveAsync(HubProcess hub, RunningCrowd crowd)
    {
        crowd.Leave();
        if (!hub.HasExited && !await crowd.EndedWithinAsync(MaxLeave))
        {
            _failures.Add($"not all clients could leave within {MaxLeave.TotalSeconds:0} s");
        }

        _failures.AddRange(crowd.Failures);
    }
}
