namespace MessageDelivery.Cli.Attacks;

/// <summary>What one run of <c>mds attack</c> is to do.</summary>
internal sealed record AttackPlan
{
    public required IReadOnlyList<Attack> Attacks { get; init; }

    /// <summary>How long an attack goes on that has no end of its own.</summary>
    public required TimeSpan Time { get; init; }

    /// <summary>How long the healthy pair is measured before each attack.</summary>
    public required TimeSpan Before { get; init; }

    /// <summary>Hostile connections at one time.</summary>
    public required int Connections { get; init; }

    /// <summary>The longest time without any message of the healthy pair that is not suspect.</summary>
    public required TimeSpan LongestGap { get; init; }

    /// <summary>The hub's process; null looks for it.</summary>
    public required int? ProcessId { get; init; }
}
