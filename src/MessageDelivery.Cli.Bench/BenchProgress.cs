namespace MessageDelivery.Cli.Bench;

/// <summary>How far a run is.</summary>
/// <param name="Share">From 0 to 1.</param>
/// <param name="Arrived">Messages so far.</param>
/// <param name="IsWarmingUp">Whether nothing counts yet.</param>
internal readonly record struct BenchProgress(double Share, long Arrived, bool IsWarmingUp);
