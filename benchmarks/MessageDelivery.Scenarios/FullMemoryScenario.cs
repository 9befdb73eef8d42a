using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MessageDelivery.Protocol;
using MessageDelivery.Scenarios.Clients;
using MessageDelivery.Scenarios.Measuring;

namespace MessageDelivery.Scenarios;

/// <summary>What <c>full-memory</c> can be told.</summary>
internal sealed record FullMemorySettings(
    int Clients, int Senders, int Size, int Pairs, long MemoryLimit, long StallSeconds, long BeforeSeconds, long Seconds)
{
    public override string ToString() =>
        $"--clients {Clients} --senders {Senders} --size {Size} --pairs {Pairs} --memory-limit {MemoryLimit} "
        + $"--stall-seconds {StallSeconds} --before-seconds {BeforeSeconds} --seconds {Seconds}";
}

/// <summary>More clients that never read than memory can bear with: its stages come and go, and everyone else is served.</summary>
internal sealed class FullMemoryScenario(FullMemorySettings settings)
{
    private const long ResumeWindowSeconds = 10;
    private static readonly TimeSpan PairPause = TimeSpan.FromMilliseconds(5);

    /// <summary>Above the resume window and the stall limit: within this memory must be given back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Report _report = new("full-memory", settings.ToString());

    public static Command Command()
    {
        var clients = Quantity.Option("--clients", "1000", "Users who never read, and come back when they are cut; half of them resumable.");
        var senders = Quantity.Option("--senders", "16", "Users who relay to them without pause.");
        var size = Quantity.Option("--size", "64KiB", "Bytes of a body.");
        var pairs = Quantity.Option("--pairs", "4", "Healthy pairs of each protocol beside.");
        var memoryLimit = Quantity.Option("--memory-limit", "256MiB", "The hub's.");
        var stall = Quantity.Option("--stall-seconds", "10", "The hub's stall limit.");
        var before = Quantity.Option("--before-seconds", "10", "How long the healthy pairs are measured alone.");
        var seconds = Quantity.Option("--seconds", "30", "How long the senders relay.");
        var command = new Command("full-memory", "More clients that never read than memory can bear with, and healthy pairs beside.")
        {
            clients, senders, size, pairs, memoryLimit, stall, before, seconds,
        };
        command.SetAction((arguments, _) => new FullMemoryScenario(new(
            (int)arguments.GetValue(clients),
            (int)arguments.GetValue(senders),
            Math.Clamp((int)arguments.GetValue(size), RelayFrame.MinBodyBytes, ProtocolLimits.MaxBodyBytes),
            (int)arguments.GetValue(pairs),
            arguments.GetValue(memoryLimit),
            arguments.GetValue(stall),
            arguments.GetValue(before),
            arguments.GetValue(seconds))).RunAsync());
        return command;
    }

    private async Task<int> RunAsync()
    {
        // The log says who goes and why; a short window, since what is kept for those who never come back is to be given back.
        using var hub = await HubProcess.StartAsync(
            "--memory-limit", $"{settings.MemoryLimit}", "--stall-timeout", $"{settings.StallSeconds}s",
            "--resume-window", $"{ResumeWindowSeconds}s", "--log-level", "debug");
        var departures = new DepartureLog();
        hub.Logged = departures.Read;
        List<ulong> healthy = [];
        Pair[] pairs = [.. Enumerable.Range(1, settings.Pairs).SelectMany(number => Pairs(hub, number, healthy))];
        using var stop = new CancellationTokenSource();
        DeafClient[] clients = [.. Enumerable.Range(0, settings.Clients).Select(i => new DeafClient(hub.Endpoint, isResumable: i % 2 == 1))];
        Task deaf = Task.WhenAll(clients.Select(client => client.RunAsync(stop.Token)));
        await Task.Delay(TimeSpan.FromSeconds(2));

        Report.Progress($"healthy pairs alone for {settings.BeforeSeconds} s");
        long empty = MemoryWatch.ResidentBytes(hub.Id);
        long before = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(settings.BeforeSeconds));

        FloodSender[] senders =
            [.. Enumerable.Range(0, settings.Senders).Select(i => new FloodSender(hub.Endpoint, clients, settings.Size, i * clients.Length / settings.Senders))];
        using var memory = new MemoryWatch(hub.Id, () => senders.Sum(sender => sender.Answered));
        Report.Progress($"{settings.Senders} senders relay for {settings.Seconds} s to {settings.Clients} who never read");
        long begin = Stopwatch.GetTimestamp();
        var knocker = new Knocker(hub.Endpoint);
        bool isOver = false;
        Task knocking = knocker.RunAsync(() => Volatile.Read(ref isOver));
        Task[] sending = [.. senders.Select(sender => Task.Run(sender.RunAsync))];
        await Task.Delay(TimeSpan.FromSeconds(settings.Seconds));
        long end = Stopwatch.GetTimestamp();

        Report.Progress("everybody but the healthy pairs goes");
        Array.ForEach(senders, sender => sender.Stop());
        await stop.CancelAsync();
        await deaf;
        Array.ForEach(clients, client => client.Dispose());
        Volatile.Write(ref isOver, true);
        await Task.WhenAll([knocking, .. sending]);
        var (letInAfter, givenBackAfter) = await WaitForReliefAsync(hub, knocker, empty, memory);
        memory.Stop();
        Array.ForEach(pairs, pair => pair.Stop());
        int? exitCode = await hub.StopAsync();

        MemoryRows(memory, empty, letInAfter, givenBackAfter);
        CutRows(departures, clients, senders, knocker, healthy);
        PairRows(pairs, before, begin, end);
        Checks(memory, pairs, begin, end, letInAfter, givenBackAfter, exitCode);
        Array.ForEach(senders, sender => sender.Dispose());
        Array.ForEach(pairs, pair => pair.Dispose());
        int result = _report.Print();
        if (result != 0)
        {
            hub.PrintLog();
        }

        return result;
    }

    private static IEnumerable<Pair> Pairs(HubProcess hub, int number, List<ulong> ids)
    {
        (string Name, IPairEnd Here, IPairEnd There)[] ends =
        [
            ($"text pair {number}", new TextPairEnd(hub.Endpoint), new TextPairEnd(hub.Endpoint)),
            ($"binary pair {number}", new BinaryPairEnd(hub.Endpoint), new BinaryPairEnd(hub.Endpoint)),
        ];
        foreach (var (name, here, there) in ends)
        {
            ids.AddRange([here.UserId, there.UserId]);
            yield return new(name, here, there, PairPause);
        }
    }

    /// <summary>After how long somebody new is let in, and most of the memory is given back; null for what does not happen.</summary>
    private static async Task<(TimeSpan? LetIn, TimeSpan? GivenBack)> WaitForReliefAsync(
        HubProcess hub, Knocker knocker, long empty, MemoryWatch memory)
    {
        var clock = Stopwatch.StartNew();
        TimeSpan? letIn = null;
        TimeSpan? givenBack = null;
        while ((letIn is null || givenBack is null) && clock.Elapsed < Patience + TimeSpan.FromSeconds(ResumeWindowSeconds))
        {
            letIn ??= await knocker.KnockAsync() ? clock.Elapsed : null;
            givenBack ??= MemoryWatch.ResidentBytes(hub.Id) <= empty + ((memory.PeakBytes - empty) / 4) ? clock.Elapsed : null;
            await Task.Delay(100);
        }

        return (letIn, givenBack);
    }

    private void MemoryRows(MemoryWatch memory, long empty, TimeSpan? letInAfter, TimeSpan? givenBackAfter)
    {
        _report.Row("hub's memory: before, peak, at the end",
            $"{Quantity.Mebibytes(empty)}, {Quantity.Mebibytes(memory.PeakBytes)}, {Quantity.Mebibytes(memory.Samples[^1].ResidentBytes)}");
        int step = Math.Max(1, memory.Samples.Count / 16);
        _report.Row("memory over time", string.Join(" ", memory.Samples.Where((_, i) => i % step == 0).Select(sample => sample.ResidentBytes >> 20)) + " MiB");
        _report.Row("afterwards", $"somebody new is let in after {Text(letInAfter)}; three quarters are given back after {Text(givenBackAfter)}");
    }

    private void CutRows(DepartureLog departures, DeafClient[] clients, FloodSender[] senders, Knocker knocker, List<ulong> healthy)
    {
        long answered = senders.Sum(sender => sender.Answered);
        _report.Row("relayed", $"{Quantity.Count(answered)} ({Quantity.Megabytes(answered * settings.Size)})");
        _report.Row("receipts", string.Join(", ", Enum.GetValues<Outcome>()
            .Select(outcome => (Outcome: outcome, Count: senders.Sum(sender => sender.CountOf(outcome))))
            .Where(row => row.Count > 0).Select(row => $"{row.Outcome.Name()} {Quantity.Count(row.Count)}")));
        _report.Row("never read: connections cut", Quantity.Count(clients.Sum(client => client.Cut)));
        _report.Row("never read, plain: the hub says", departures.Of(clients.Where((_, i) => i % 2 == 0).SelectMany(client => client.Ids)));
        _report.Row("never read, resumable: the hub says", departures.Of(clients.Where((_, i) => i % 2 == 1).SelectMany(client => client.Ids)));
        _report.Row("resumes: went on, had ended", $"{Quantity.Count(clients.Sum(client => client.Resumes.WentOn))}, {Quantity.Count(clients.Sum(client => client.Resumes.Ended))}");
        _report.Row("senders: the hub says", departures.Of(senders.SelectMany(sender => sender.Ids)));
        _report.Row("healthy: the hub says", departures.Of(healthy));
        _report.Row("never read: not let in", Text(clients.SelectMany(client => client.Refused)));
        _report.Row("senders: not let in, or cut", Text(senders.SelectMany(sender => sender.Endings)));
        _report.Row("somebody new, 5 times a second",
            $"let in {Quantity.Count(knocker.LetIn)} times, not let in: {Text(knocker.Refused)}; {Quantity.Count(knocker.Refusals)} such times ended, the longest took {Quantity.Seconds(knocker.LongestRefusal)}");
        if (departures.Dropped.Count > 0)
        {
            _report.Row("log lines", $"not complete: {departures.Dropped[^1]}");
        }
    }

    private void PairRows(Pair[] pairs, long before, long begin, long end)
    {
        foreach (var kind in pairs.GroupBy(pair => pair.Name.Split(' ')[0]))
        {
            foreach (var (name, from, to) in new[] { ("before", before, begin), ("during", begin, end) })
            {
                List<TimeSpan> times = [.. kind.SelectMany(pair => pair.Between(from, to)).Order()];
                _report.Row($"healthy {kind.Key} pairs {name}",
                    $"{Quantity.Count(2L * times.Count)} messages; round trip's median {Quantity.Micros(Statistics.Quantile(times, 0.5))}, "
                    + $"p99 {Quantity.Micros(Statistics.Quantile(times, 0.99))}; longest gap {Quantity.Seconds(kind.Max(pair => pair.LongestGapBetween(from, to)))}");
            }
        }
    }

    private void Checks(
        MemoryWatch memory, Pair[] pairs, long begin, long end, TimeSpan? letInAfter, TimeSpan? givenBackAfter, int? exitCode)
    {
        long bound = settings.MemoryLimit + (64 << 20);
        _report.Check(memory.PeakBytes <= bound, $"peak {Quantity.Mebibytes(memory.PeakBytes)} ≤ ceiling + 64 MiB = {Quantity.Mebibytes(bound)}");
        string[] failures = [.. pairs.Select(pair => pair.Failure).OfType<string>()];
        _report.Check(failures.Length == 0 && pairs.All(pair => pair.Between(begin, end).Count > 0),
            $"healthy pairs lost nothing and were served. {string.Join("; ", failures)}".TrimEnd());
        // Who takes nothing is cut off after the stall limit; who sends little does not wait for that.
        var maxGap = TimeSpan.FromSeconds(Math.Max(1, 0.2 * settings.StallSeconds));
        var gap = pairs.Max(pair => pair.LongestGapBetween(begin, end));
        _report.Check(gap < maxGap, $"no healthy pair stood still for {Quantity.Seconds(maxGap)}: {Quantity.Seconds(gap)}");
        // As long as memory is full the hub may stand still, but each stage has its end: the last comes after twice the stall limit.
        var most = TimeSpan.FromSeconds(3 * settings.StallSeconds);
        var still = LongestStandstill(memory);
        _report.Check(still < most, $"the senders never stood still for {Quantity.Seconds(most)}: {Quantity.Seconds(still)}");
        _report.Check(letInAfter is not null, "somebody new is let in afterwards");
        _report.Check(givenBackAfter is not null, "memory is given back afterwards");
        _report.Check(exitCode == 0, $"the hub stopped with exit code {exitCode?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
    }

    /// <summary>The longest time without a receipt while the senders were there.</summary>
    private TimeSpan LongestStandstill(MemoryWatch memory)
    {
        var longest = TimeSpan.Zero;
        var moved = memory.Samples[0];
        foreach (var sample in memory.Samples.Where(sample => sample.Time.TotalSeconds <= settings.Seconds))
        {
            longest = sample.Time - moved.Time > longest ? sample.Time - moved.Time : longest;
            moved = sample.Counted == moved.Counted ? moved : sample;
        }

        return longest;
    }

    private static string Text(TimeSpan? time) => time is { } known ? Quantity.Seconds(known) : "never";

    private static string Text(IEnumerable<KeyValuePair<string, long>> counted)
    {
        string text = string.Join("; ", counted.GroupBy(pair => pair.Key).Select(group => (group.Key, Count: group.Sum(pair => pair.Value)))
            .OrderByDescending(group => group.Count).Select(group => $"{Quantity.Count(group.Count)} × {group.Key}"));
        return text.Length > 0 ? text : "none";
    }
}
