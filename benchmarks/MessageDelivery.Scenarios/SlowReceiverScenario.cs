using System.CommandLine;
using System.Diagnostics;
using MessageDelivery.Scenarios.Clients;
using MessageDelivery.Scenarios.Measuring;

namespace MessageDelivery.Scenarios;

/// <summary>Many senders, one receiver who reads slowly: memory stays flat, nothing is lost, others do not notice.</summary>
internal sealed class SlowReceiverScenario(int senders, long rate, long seconds, int size, long memoryLimit, long queueLimit)
{
    private static readonly TimeSpan Warmup = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxWithoutProgress = TimeSpan.FromSeconds(60);

    /// <summary>No machine is that slow: who gets no answer for so long is not served.</summary>
    private static readonly TimeSpan MaxGap = TimeSpan.FromSeconds(5);

    private readonly Report _report = new(
        "slow-receiver",
        $"--senders {senders} --rate {rate} --seconds {seconds} --size {size} --memory-limit {memoryLimit} --queue-limit {queueLimit}");

    public static Command Command()
    {
        var senders = Quantity.Option("--senders", "1000", "Users who send as fast as they are let.");
        var rate = Quantity.Option("--rate", "10MB/s", "What the receiver reads.");
        var seconds = Quantity.Option("--seconds", "60", "How long it lasts.");
        var size = Quantity.Option("--size", "1KiB", "Bytes of a body.");
        var memoryLimit = Quantity.Option("--memory-limit", "512MiB", "The hub's.");
        var queueLimit = Quantity.Option("--queue-limit", "64MiB", "The hub's.");
        var command = new Command("slow-receiver", "Many senders, one receiver who reads slowly.")
        {
            senders, rate, seconds, size, memoryLimit, queueLimit,
        };
        command.SetAction((arguments, _) => new SlowReceiverScenario(
            (int)arguments.GetValue(senders),
            arguments.GetValue(rate),
            arguments.GetValue(seconds),
            Math.Max((int)arguments.GetValue(size), RelayFrame.MinBodyBytes),
            arguments.GetValue(memoryLimit),
            arguments.GetValue(queueLimit)).RunAsync());
        return command;
    }

    private async Task<int> RunAsync()
    {
        using var hub = await HubProcess.StartAsync("--memory-limit", $"{memoryLimit}", "--queue-limit", $"{queueLimit}");
        using var receiver = new CountingReceiver(hub.Endpoint, size, rate);
        var crowd = await Task.WhenAll(Enumerable.Range(0, senders).Select(_ => NumberedSender.ConnectAsync(hub.Endpoint)));
        using var memory = new MemoryWatch(hub.Id, () => crowd.Sum(sender => sender.Sent));
        using var pair = new Pair("pair", new BinaryPairEnd(hub.Endpoint), new BinaryPairEnd(hub.Endpoint), TimeSpan.Zero);

        Report.Progress($"{senders} senders are connected; the pair alone");
        await Task.Delay(Warmup);
        long before = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(Math.Clamp(seconds / 6.0, 3, 10)));

        Report.Progress($"everybody sends, for {seconds} s");
        long begin = Stopwatch.GetTimestamp();
        var beginTime = memory.Now;
        receiver.Start();
        Task[] sending = [.. crowd.Select(sender => sender.RunAsync(receiver.UserId, size))];
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        long end = Stopwatch.GetTimestamp();
        long paced = receiver.Received;
        var endTime = memory.Now;

        Report.Progress("senders stop; the receiver reads the rest at full speed");
        Array.ForEach(crowd, sender => sender.Stop());
        receiver.StopPacing();
        string? stuck = await DrainAsync(receiver, sending, crowd);
        var draining = Stopwatch.GetElapsedTime(end);
        memory.Stop();
        pair.Stop();
        int? exitCode = await hub.StopAsync();

        List<MemorySample> during = [.. memory.Samples.Where(sample => sample.Time >= beginTime && sample.Time <= endTime)];
        var filled = Filled(during);
        RowsOfMemory(memory, during, filled);
        long sent = crowd.Sum(sender => sender.Sent);
        long[] counts = [.. crowd.Select(sender => receiver.CountOf(sender.UserId)).Order()];
        long incomplete = crowd.Count(sender => receiver.CountOf(sender.UserId) != sender.Sent);
        _report.Row("read at its own rate", $"{Quantity.Count(paced)} messages, {Quantity.Megabytes((long)(paced * (size + 16.0) / seconds))}/s");
        _report.Row("sent and received in all", $"{Quantity.Count(sent)} and {Quantity.Count(receiver.Received)}; the rest was drained in {Quantity.Seconds(draining)}");
        _report.Row("of one sender, least, median, most", $"{Quantity.Count(counts[0])}, {Quantity.Count(counts[counts.Length / 2])}, {Quantity.Count(counts[^1])}");
        RowOfPair("pair before", pair, before, begin);
        RowOfPair("pair while the queue fills", pair, begin, begin + (long)((filled - beginTime).TotalSeconds * Stopwatch.Frequency));
        RowOfPair("pair during", pair, begin, end);
        _report.Row("pair's longest gap", Quantity.Seconds(pair.LongestGap));

        _report.Check(stuck is null && receiver.Failure is null && receiver.Received == sent && incomplete == 0,
            $"nothing lost: {Quantity.Count(receiver.Received)} of {Quantity.Count(sent)}, {incomplete} senders incomplete. {stuck} {receiver.Failure}".TrimEnd());
        _report.Check(receiver.Gaps == 0 && receiver.Repetitions == 0,
            $"order of each sender kept, nothing twice: {receiver.Gaps} gaps, {receiver.Repetitions} repetitions");
        _report.Check(receiver.Damaged == 0, $"bodies as sent: {receiver.Damaged} damaged");
        _report.Check(pair.Failure is null && pair.LongestGap < MaxGap,
            $"the pair was served throughout, in order, without a gap of {MaxGap.TotalSeconds:0} s. {pair.Failure}".TrimEnd());
        CheckMemory(memory, [.. during.Where(sample => sample.Time >= filled)]);
        _report.Check(exitCode == 0, $"the hub stopped with exit code {exitCode?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"}");
        Array.ForEach(crowd, sender => sender.Dispose());
        int result = _report.Print();
        if (result != 0)
        {
            hub.PrintLog();
        }

        return result;
    }

    /// <summary>Waits until the receiver has what was sent; what is wrong if it does not come to that.</summary>
    private static async Task<string?> DrainAsync(CountingReceiver receiver, Task[] sending, NumberedSender[] crowd)
    {
        var all = Task.WhenAll(sending);
        long last = -1;
        var quiet = Stopwatch.StartNew();
        while (!receiver.HasEnded && quiet.Elapsed < MaxWithoutProgress)
        {
            if (all.IsCompletedSuccessfully)
            {
                receiver.Expect(crowd.Sum(sender => sender.Sent));
            }

            if (receiver.Received != last)
            {
                last = receiver.Received;
                quiet.Restart();
            }

            await Task.Delay(20);
        }

        return all.Exception is { } failure ? $"A sender failed: {failure.GetBaseException().Message}"
            : !all.IsCompleted ? $"{sending.Count(task => !task.IsCompleted)} senders still wait."
            : null;
    }

    /// <summary>When the senders began to be held back to about what the receiver reads, judged by the second behind each sample.</summary>
    private TimeSpan Filled(List<MemorySample> during)
    {
        for (int i = 4; i < during.Count; i++)
        {
            double messages = during[i].Counted - during[i - 4].Counted;
            if (messages * size / (during[i].Time - during[i - 4].Time).TotalSeconds < 2.0 * rate)
            {
                return during[i].Time;
            }
        }

        return during.Count == 0 ? TimeSpan.Zero : during[during.Count / 2].Time;
    }

    private void RowsOfMemory(MemoryWatch memory, List<MemorySample> during, TimeSpan filled)
    {
        List<MemorySample> after = [.. during.Where(sample => sample.Time >= filled)];
        int step = Math.Max(1, after.Count / 10);
        _report.Row("hub's memory before", Quantity.Mebibytes(memory.Samples.Last(sample => sample.Time < during[0].Time).ResidentBytes));
        _report.Row("queue full after", Quantity.Seconds(filled - during[0].Time));
        _report.Row("memory then: first, median, max",
            $"{Quantity.Mebibytes(after[0].ResidentBytes)}, {Quantity.Mebibytes(Statistics.Median(after))}, {Quantity.Mebibytes(after.Max(sample => sample.ResidentBytes))}");
        _report.Row("memory then, over time", string.Join(" ", after.Where((_, i) => i % step == 0).Select(sample => sample.ResidentBytes >> 20)) + " MiB");
        _report.Row("slope then", $"{Statistics.BytesPerMinute(after) / 1e6:0.00} MB/min");
        _report.Row("peak with the draining", Quantity.Mebibytes(memory.PeakBytes));
    }

    private void RowOfPair(string name, Pair pair, long from, long to)
    {
        var times = pair.Between(from, to);
        _report.Row($"{name}: median, p99, max",
            $"{Quantity.Micros(Statistics.Quantile(times, 0.5))}, {Quantity.Micros(Statistics.Quantile(times, 0.99))}, "
            + $"{Quantity.Micros(Statistics.Quantile(times, 1))} of {Quantity.Count(times.Count)} round trips");
    }

    private void CheckMemory(MemoryWatch memory, List<MemorySample> after)
    {
        long bound = memoryLimit + (64 << 20);
        _report.Check(memory.PeakBytes <= bound, $"peak {Quantity.Mebibytes(memory.PeakBytes)} ≤ ceiling + 64 MiB = {Quantity.Mebibytes(bound)}");
        int quarter = Math.Max(1, after.Count / 4);
        long first = Statistics.Median(after.Take(quarter));
        long last = Statistics.Median(after.TakeLast(quarter));
        // What is worth failing for is a leak; allocators and the collector may breathe by this much.
        long most = (first * 5 / 4) + (16 << 20);
        _report.Check(last <= most, $"memory flat: last quarter's median {Quantity.Mebibytes(last)} against the first's {Quantity.Mebibytes(first)}");
    }
}
