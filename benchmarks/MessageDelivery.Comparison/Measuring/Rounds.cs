using MessageDelivery.Comparison.Reporting;
using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Measuring;

/// <summary>
/// Measures row by row. A row's servers are started for it; within a round each has one turn, and the order moves by one from
/// round to round. Whoever has no turn is suspended.
/// </summary>
internal sealed class Rounds(IReadOnlyList<Server> servers, Cores cores, Timing timing, ResultFile file)
{
    private const int MaxFailures = 2;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly LoadProgram _load = new(cores);
    private readonly List<Sample> _samples = [];

    /// <summary>Tells of each sample as it comes.</summary>
    public event Action<Sample>? Sampled;

    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>Which of these servers take part in a row.</summary>
    public static IReadOnlyList<Server> Participants(Row row, IReadOnlyList<Server> servers) =>
        [.. servers.Where(server => row.Servers?.Contains(server.Name) ?? ServerTable.IsGeneral(server.Name))];

    /// <exception cref="OperationCanceledException">It was told to stop; the servers have ended, too.</exception>
    public async Task MeasureAsync(Row row, CancellationToken stop)
    {
        var participants = Participants(row, servers);
        var running = new Dictionary<Server, ServerProcess>();
        var failures = new Dictionary<Server, int>();
        int rounds = timing.For(row).Rounds;
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                for (int turn = 0; turn < participants.Count; turn++)
                {
                    var server = participants[(turn + round) % participants.Count];
                    if (failures.GetValueOrDefault(server) < MaxFailures
                        && !await TakeTurnAsync(row, server, round, running, stop))
                    {
                        failures[server] = failures.GetValueOrDefault(server) + 1;
                    }
                }
            }
        }
        finally
        {
            foreach (var process in running.Values)
            {
                await process.DisposeAsync();
            }
        }
    }

    /// <summary>All variants of a row for one server; false if one of them could not be measured.</summary>
    private async Task<bool> TakeTurnAsync(Row row, Server server, int round, Dictionary<Server, ServerProcess> running, CancellationToken stop)
    {
        foreach (string variant in row.Variants)
        {
            stop.ThrowIfCancellationRequested();
            var empty = new Sample(row.Name, server.Name, variant, round + 1);
            try
            {
                if (!running.TryGetValue(server, out var process))
                {
                    running[server] = process = await ServerProcess.StartAsync(server, cores);
                }

                process.Resume();
                Add(await MeasureAsync(empty, row, server, process, variant, stop));
                if (row.Kind is RowKind.Start or RowKind.Stopped && variant == row.Variants[^1])
                {
                    // A start is measured once for each process; and who did not read was cut off, or not yet.
                    running.Remove(server);
                    await process.DisposeAsync();
                }
                else
                {
                    await process.SuspendAsync();
                }
            }
            catch (Exception error) when (error is LoadException or ServerException)
            {
                Add(empty with { Failure = error.Message });
                if (running.Remove(server, out var process))
                {
                    await process.DisposeAsync();
                }

                return false;
            }
        }

        return true;
    }

    private async Task<Sample> MeasureAsync(Sample empty, Row row, Server server, ServerProcess process, string variant, CancellationToken stop)
    {
        switch (row.Kind)
        {
            case RowKind.Idle:
                return empty with { Idle = await _load.MeasureIdleAsync(server, process, row.Count, stop) };
            case RowKind.List:
                return empty with { List = await _load.MeasureListAsync(process, row.Count, stop) };
            case RowKind.Start:
                await Task.Delay(Settling, stop);
                return empty with { Start = new(process.Startup.TotalMilliseconds, process.ResidentBytes()) };
            default:
                var load = await _load.MeasureAsync(server, process, row, variant, RateOf(row), timing.For(row), stop);
                return load.Delivered > 0
                    ? empty with { Load = load }
                    : throw new LoadException($"nothing was delivered in the {load.Seconds:0.0} s measured");
        }
    }

    private int? RateOf(Row row)
    {
        if (row.RateShare is not { } share)
        {
            return row.Rate;
        }

        double slowest = new Figures(_samples).SlowestPeerRate(RowTable.RateRow)
            ?? throw new LoadException($"no server has a result in {RowTable.RateRow}, which the rate comes from");
        return Math.Max(1, (int)(share * slowest));
    }

    private void Add(Sample sample)
    {
        _samples.Add(sample);
        file.Add(sample);
        Sampled?.Invoke(sample);
    }
}
