using MessageDelivery.Comparison.Rows;

namespace MessageDelivery.Comparison.Measuring;

/// <summary>How long and how often something is measured. Times are in seconds.</summary>
internal sealed record Timing(int Rounds, double Seconds, double WarmUp)
{
    // What turns take beyond their own time, roughly: the generator starts and its users connect; and a server starts.
    private const double SecondsAround = 0.35;
    private const double SecondsToStart = 0.3;
    private const double SecondsForIdle = 12;
    private const double SecondsForStart = 1.2;
    private const int MaxRoundsOfSweeps = 3;
    private const int MaxRoundsOfThousands = 1;

    /// <summary>What a row gets: points of a curve and ten thousand connections fewer rounds than the rows of the tables.</summary>
    public Timing For(Row row) => row.Kind switch
    {
        RowKind.Sweep => new(Math.Min(Rounds, MaxRoundsOfSweeps), 0.5 * row.Longer * Seconds, 0.6 * row.Longer * WarmUp),
        RowKind.Idle or RowKind.List => this with { Rounds = Math.Min(Rounds, MaxRoundsOfThousands) },
        // First the queues of those who do not read have to be filled.
        RowKind.Stopped => this with { Seconds = row.Longer * Seconds, WarmUp = 2 * row.Longer * WarmUp },
        _ => this with { Seconds = row.Longer * Seconds, WarmUp = row.Longer * WarmUp },
    };

    /// <summary>About how long a row takes with so many servers.</summary>
    public TimeSpan Expect(Row row, int servers)
    {
        var timing = For(row);
        double each = row.Kind switch
        {
            RowKind.Idle or RowKind.List => SecondsForIdle,
            RowKind.Start => SecondsForStart,
            _ => timing.Seconds + timing.WarmUp + SecondsAround,
        };
        return TimeSpan.FromSeconds(servers * (SecondsToStart + (timing.Rounds * row.Variants.Count * each)));
    }
}
