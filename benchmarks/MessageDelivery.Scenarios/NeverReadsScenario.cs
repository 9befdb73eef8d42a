using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MessageDelivery.Protocol;
using MessageDelivery.Scenarios.Clients;
using MessageDelivery.Scenarios.Measuring;

namespace MessageDelivery.Scenarios;

/// <summary>What <c>never-reads</c> can be told.</summary>
internal sealed record NeverReadsSettings(
    long Total, int Size, int Senders, int Receivers, long Cuts, int Pairs, long MemoryLimit, long QueueLimit, long StallSeconds,
    long GapLimitSeconds)
{
    public override string ToString() =>
        $"--total {Total} --size {Size} --senders {Senders} --receivers {Receivers} --cuts {Cuts} --pairs {Pairs} "
        + $"--memory-limit {MemoryLimit} --queue-limit {QueueLimit} --stall-seconds {StallSeconds} "
        + $"--gap-limit-seconds {GapLimitSeconds}";
}

/// <summary>Receivers that never read: memory stays below its ceiling, they are cut, everyone else is served.</summary>
internal sealed class NeverReadsScenario(NeverReadsSettings settings)
{
    private static readonly TimeSpan PairPause = TimeSpan.FromMilliseconds(5);

    /// <summary>Within this, and the stall limit, something must move, or the hub has stopped.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Report _report = new("never-reads", settings.ToString());

    public static Command Command()
    {
        var total = Quantity.Option("--total", "10GB", "Bytes of bodies to relay.");
        var size = Quantity.Option("--size", "64KiB", "Bytes of a body.");
        var senders = Quantity.Option("--senders", "16", "Users who relay, and wait.");
        var receivers = Quantity.Option("--receivers", "1", "Users who never read, at one time.");
        var cuts = Quantity.Option("--cuts", "2", "How many in each place are cut, one after another; after that the relays are unknown.");
        var pairs = Quantity.Option("--pairs", "4", "Healthy pairs of each protocol beside.");
        var memoryLimit = Quantity.Option("--memory-limit", "512MiB", "The hub's.");
        var queueLimit = Quantity.Option("--queue-limit", "64MiB", "The hub's.");
        var stall = Quantity.Option("--stall-seconds", "10", "The hub's stall limit.");
        var gapLimit = new Option<long>("--gap-limit-seconds")
        {
            Description = "A healthy pair without a message for so long is not served. Default: the stall limit.",
        };
        var command = new Command("never-reads", "Receivers that never read, and healthy pairs beside.")
        {
            total, size, senders, receivers, cuts, pairs, memoryLimit, queueLimit, stall, gapLimit,
        };
        command.SetAction((arguments, _) => new NeverReadsScenario(new(
            arguments.GetValue(total),
            Math.Clamp((int)arguments.GetValue(size), RelayFrame.MinBodyBytes, ProtocolLimits.MaxBodyBytes),
            (int)arguments.GetValue(senders),
            (int)arguments.GetValue(receivers),
            arguments.GetValue(cuts),
            (int)arguments.GetValue(pairs),
            arguments.GetValue(memoryLimit),
            arguments.GetValue(queueLimit),
            arguments.GetValue(stall),
            arguments.GetValue(gapLimit) is > 0 and long limit ? limit : arguments.GetValue(stall))).RunAsync());
        return command;
    }

    private async Task<int> RunAsync()
    {
        using var hub = await HubProcess.StartAsync(
            "--memory-limit", $"{settings.MemoryLimit}",
            "--queue-limit", $"{settings.QueueLimit}",
            "--stall-timeout", $"{settings.StallSeconds}s");
        Pair[] pairs =
        [
            .. Enumerable.Range(1, settings.Pairs).Select(number => new Pair(
                $"text pair {number}", new TextPairEnd(hub.Endpoint), new TextPairEnd(hub.Endpoint), PairPause)),
            .. Enumerable.Range(1, settings.Pairs).Select(number => new Pair(
                $"binary pair {number}", new BinaryPairEnd(hub.Endpoint), new BinaryPairEnd(hub.Endpoint), PairPause)),
        ];
        DeafPlace[] places = [.. Enumerable.Range(0, settings.Receivers).Select(_ => new DeafPlace(hub.Endpoint, settings.Cuts))];
        long relays = Math.Max(1, settings.Total / settings.Size / settings.Senders);
        var senders = new List<WaitingSender>();
        for (int i = 0; i < settings.Senders; i++)
        {
            senders.Add(new(await BinaryPeer.ConnectAsync(hub.Endpoint, 4 << 10), places[i % places.Length], settings.Size, relays));
        }

        await Task.Delay(1000);
        using var memory = new MemoryWatch(hub.Id, () => senders.Sum(sender => sender.Answered));
        Report.Progress($"{settings.Senders} senders relay {Quantity.Megabytes(settings.Total)} at {settings.Receivers} that never read");
        var clock = Stopwatch.StartNew();
        Task sending = Task.WhenAll(senders.Select(sender => sender.RunAsync()));
        Task[] cutting = [.. places.Select(place => place.RunAsync(() => sending.IsCompleted))];
        string? stuck = await WaitAsync(sending, senders);
        var took = clock.Elapsed;
        if (stuck is null)
        {
            await Task.WhenAll(cutting);
        }

        memory.Stop();
        Array.ForEach(pairs, pair => pair.Stop());
        int? exitCode = await hub.StopAsync();
        Rows(memory, pairs, places, senders, took);
        Checks(memory, pairs, places, senders, relays, stuck, exitCode);
        senders.ForEach(sender => sender.Dispose());
        Array.ForEach(places, place => place.Dispose());
        Array.ForEach(pairs, pair => pair.Dispose());
        int result = _report.Print();
        if (result != 0)
        {
            hub.PrintLog();
        }

        return result;
    }

    /// <summary>Waits for the senders as long as receipts come; what is wrong if they stop coming.</summary>
    private async Task<string?> WaitAsync(Task sending, List<WaitingSender> senders)
    {
        long last = -1;
        var quiet = Stopwatch.StartNew();
        while (!sending.IsCompleted)
        {
            long answered = senders.Sum(sender => sender.Answered);
            if (answered != last)
            {
                last = answered;
                quiet.Restart();
            }
            else if (quiet.Elapsed > TimeSpan.FromSeconds(settings.StallSeconds) + Patience)
            {
                return $"no receipt for {quiet.Elapsed.TotalSeconds:0} s, after {answered}.";
            }

            await Task.Delay(50);
        }

        return sending.Exception is { } failure ? $"A sender failed: {failure.GetBaseException().Message}" : null;
    }

    private void Rows(MemoryWatch memory, Pair[] pairs, DeafPlace[] places, List<WaitingSender> senders, TimeSpan took)
    {
        long accepted = senders.Sum(sender => sender.CountOf(Outcome.Accepted));
        long unknown = senders.Sum(sender => sender.CountOf(Outcome.Unknown));
        _report.Row("relayed", $"{Quantity.Megabytes(senders.Sum(sender => sender.Answered) * settings.Size)} in {Quantity.Seconds(took)}");
        _report.Row("receipts: accepted", $"{Quantity.Count(accepted)} ({Quantity.Megabytes(accepted * settings.Size)})");
        _report.Row("receipts: unknown", $"{Quantity.Count(unknown)} ({Quantity.Megabytes(unknown * settings.Size)})");
        _report.Row("receipts: full", Quantity.Count(senders.Sum(sender => sender.CountOf(Outcome.Full))));
        _report.Row("hub's memory: first, median, max",
            $"{Quantity.Mebibytes(memory.Samples[0].ResidentBytes)}, {Quantity.Mebibytes(Statistics.Median(memory.Samples))}, {Quantity.Mebibytes(memory.PeakBytes)}");
        int step = Math.Max(1, memory.Samples.Count / 12);
        _report.Row("memory over time", string.Join(" ", memory.Samples.Where((_, i) => i % step == 0).Select(sample => sample.ResidentBytes >> 20)) + " MiB");
        List<(TimeSpan Lasted, string Ending)> cut = [.. places.SelectMany(place => place.Cut).OrderBy(end => end.Lasted)];
        if (cut.Count > 0)
        {
            _report.Row("receivers cut", cut.Count.ToString(CultureInfo.InvariantCulture));
            _report.Row("after the last accepted relay",
                $"{Quantity.Seconds(cut[0].Lasted)} to {Quantity.Seconds(cut[^1].Lasted)}");
            foreach (var ending in cut.GroupBy(end => end.Ending).OrderByDescending(group => group.Count()).Take(3))
            {
                _report.Row("how it ended", $"{ending.Count()} × {ending.Key}");
            }
        }

        foreach (var kind in pairs.GroupBy(pair => pair.Name.Split(' ')[0]))
        {
            List<TimeSpan> times = [.. kind.SelectMany(pair => pair.Trips).Select(trip => trip.Took).Order()];
            _report.Row($"healthy {kind.Key} pairs",
                $"{kind.Count()} with {Quantity.Count(2L * times.Count)} messages; round trip's median {Quantity.Micros(Statistics.Quantile(times, 0.5))}, "
                + $"p99 {Quantity.Micros(Statistics.Quantile(times, 0.99))}; longest gap {Quantity.Seconds(kind.Max(pair => pair.LongestGap))}");
        }
    }

    private void Checks(
        MemoryWatch memory, Pair[] pairs, DeafPlace[] places, List<WaitingSender> senders, long relays, string? stuck, int? exitCode)
    {
        long bound = settings.MemoryLimit + (64 << 20);
        _report.Check(memory.PeakBytes <= bound, $"peak {Quantity.Mebibytes(memory.PeakBytes)} ≤ ceiling + 64 MiB = {Quantity.Mebibytes(bound)}");
        long whole = relays * settings.Senders;
        long told = senders.Sum(sender => sender.CountOf(Outcome.Accepted) + sender.CountOf(Outcome.Unknown) + sender.CountOf(Outcome.Full));
        long disordered = senders.Sum(sender => sender.Disordered);
        _report.Check(stuck is null && told == whole && disordered == 0,
            $"a receipt for each relay, in order: {Quantity.Count(told)} of {Quantity.Count(whole)}, {disordered} out of order. {stuck}".TrimEnd());
        _report.Check(places.All(place => place.Cut.Count > 0), "every receiver that never reads was cut");
        string[] failures = [.. pairs.Select(pair => pair.Failure).OfType<string>()];
        // Not a matter of speed: who gets nothing for as long as a stalled receiver is borne with is held up by it.
        var most = TimeSpan.FromSeconds(settings.GapLimitSeconds);
        _report.Check(failures.Length == 0 && pairs.All(pair => pair.Trips.Count > 0 && pair.LongestGap < most),
            $"healthy pairs were served throughout, in order, without a gap of {settings.GapLimitSeconds} s. {string.Join("; ", failures)}".TrimEnd());
        _report.Check(exitCode == 0, $"the hub stopped with exit code {exitCode?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
    }
}
