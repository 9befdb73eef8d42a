namespace MessageDelivery.Cli.Attacks;

/// <summary>What one run of <c>mds attack</c> is to do.</summary>
/// <param name="Time">How long an attack goes on that has no end of its own.</param>
/// <param name="Before">How long the healthy pair is measured before each attack.</param>
/// <param name="Connections">Hostile connections at one time.</param>
/// <param name="LongestGap">The longest time without any message of the healthy pair that is not suspect.</param>
/// <param name="ProcessId">The hub's process; null looks for it.</param>
internal sealed record AttackPlan(
    IReadOnlyList<Attack> Attacks, TimeSpan Time, TimeSpan Before, int Connections, TimeSpan LongestGap, int? ProcessId);
