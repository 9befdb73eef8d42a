namespace MessageDelivery.Cli.Attacks;

/// <summary>What a run found. Its JSON has the same names; times of the healthy pair are in microseconds.</summary>
internal sealed record AttackReport
{
    /// <summary>The hub, as it was named.</summary>
    public required string Hub { get; init; }

    /// <summary>Whether it lets in who has no token.</summary>
    public required bool IsOpen { get; init; }

    /// <summary>Whether it speaks TLS.</summary>
    public required bool HasTls { get; init; }

    /// <summary>Whether the attacks were made inside TLS, for it hears nobody without.</summary>
    public required bool WantsTls { get; init; }

    /// <summary>The hub's process where it could be looked at; null where not.</summary>
    public required int? ProcessId { get; init; }

    /// <summary>The most memory that it had in the whole run; null where it could not be looked at.</summary>
    public required long? PeakBytes { get; init; }

    /// <summary>How long each attack goes on that has no end of its own.</summary>
    public required double SecondsEach { get; init; }

    /// <summary>Hostile connections at one time.</summary>
    public required int Connections { get; init; }

    public required IReadOnlyList<AttackResult> Attacks { get; init; }
}

/// <summary>What one attack found.</summary>
internal sealed record AttackResult
{
    /// <summary>Its name.</summary>
    public required string Attack { get; init; }

    /// <summary>What is tried, in words.</summary>
    public required string Tries { get; init; }

    /// <summary>What a hub should do about it, in words.</summary>
    public required string Wants { get; init; }

    /// <summary><c>ok</c>, <c>suspect</c> or <c>skipped</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary>What is suspect, or why it was skipped.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>What was tried; null where it was skipped.</summary>
    public AttackAttempt? Tried { get; init; }

    /// <summary>What the hub did; null where it was skipped.</summary>
    public HubReaction? Did { get; init; }

    /// <summary>The healthy pair before the attack.</summary>
    public HealthSummary? Before { get; init; }

    /// <summary>The healthy pair while it went on.</summary>
    public HealthSummary? During { get; init; }

    /// <summary>What the hub used meanwhile, where it could be looked at.</summary>
    public HubUse? Use { get; init; }
}

/// <summary>What was tried.</summary>
internal sealed record AttackAttempt(double Seconds, long Connections, long Refused, long Requests, long Bytes);

/// <summary>What the hub did.</summary>
internal sealed record HubReaction(
    IReadOnlyDictionary<string, long> Answers, long Bytes, long Closed, long Reset, long LeftOpen, double LongestSecondsToEnd, string InWords);

/// <summary>How an attack can end.</summary>
internal static class Verdict
{
    public const string Ok = "ok";
    public const string Suspect = "suspect";
    public const string Skipped = "skipped";
}
