namespace MessageDelivery.Torture.Faults;

/// <summary>A fault of a connection and when it comes, counted from the connection's begin.</summary>
internal readonly record struct PlannedFault(TimeSpan At, FaultKind Kind);

/// <summary>
/// The faults of one connection, drawn from the run's seed, the client and the number of its connection: the same seed plans the
/// same. The first of the kinds that end a connection is its last.
/// </summary>
internal sealed class FaultPlan
{
    private static readonly FaultKind[] Kinds =
        [FaultKind.Cut, FaultKind.Reset, FaultKind.HalfOpen, FaultKind.Stall, FaultKind.Trickle, FaultKind.Delay, FaultKind.Split];

    public FaultPlan(int seed, int client, int connection)
    {
        Random = new(HashCode(seed, client, connection));
        var faults = new List<PlannedFault>();
        double end = double.MaxValue;
        foreach (var kind in Kinds)
        {
            double at = 0;
            bool isLast = kind is FaultKind.Cut or FaultKind.Reset or FaultKind.HalfOpen;
            do
            {
                at -= Math.Log(1 - Random.NextDouble()) * FaultTable.ConnectionMean.TotalSeconds;
                faults.Add(new(TimeSpan.FromSeconds(at), kind));
            }
            while (!isLast && at < 600);
            end = isLast ? Math.Min(end, at) : end;
        }

        Faults = [.. faults.Where(fault => fault.At.TotalSeconds <= end).OrderBy(fault => fault.At)];
    }

    /// <summary>A plan of these faults, in their order.</summary>
    internal FaultPlan(int seed, params IReadOnlyList<PlannedFault> faults) => (Random, Faults) = (new(seed), faults);

    /// <summary>For lengths, sizes and places.</summary>
    public Random Random { get; }

    public IReadOnlyList<PlannedFault> Faults { get; }

    // System.HashCode differs from process to process, and the plan must not.
    private static int HashCode(int seed, int client, int connection) =>
        unchecked((int)(((((uint)seed * 2654435761u) ^ (uint)client) * 2246822519u) ^ (uint)connection) * 374761393);
}
