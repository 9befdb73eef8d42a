namespace MessageDelivery.Cli.Attacks;

/// <summary>What a run found. Its JSON has the same names; times of the healthy pair are in microseconds.</summary>
/// <param name="Hub">As it was named.</param>
/// <param name="IsOpen">Whether it lets in who has no token.</param>
/// <param name="HasTls">Whether it speaks TLS.</param>
/// <param name="WantsTls">Whether the attacks were made inside TLS, for it hears nobody without.</param>
/// <param name="ProcessId">The hub's process where it could be looked at; null where not.</param>
/// <param name="PeakBytes">The most memory that it had in the whole run; null where it could not be looked at.</param>
/// <param name="SecondsEach">How long each attack goes on that has no end of its own.</param>
/// <param name="Connections">Hostile connections at one time.</param>
internal sealed record AttackReport(
    string Hub, bool IsOpen, bool HasTls, bool WantsTls, int? ProcessId, long? PeakBytes, double SecondsEach, int Connections, IReadOnlyList<AttackResult> Attacks);

/// <summary>What one attack found. What it tried, what came of that and how it was meanwhile is null where it was skipped.</summary>
/// <param name="Attack">Its name.</param>
/// <param name="Tries">What is tried, in words.</param>
/// <param name="Wants">What a hub should do about it, in words.</param>
/// <param name="Verdict">One of <see cref="Attacks.Verdict"/>.</param>
/// <param name="Reasons">What is suspect, or why it was skipped.</param>
internal sealed record AttackResult(string Attack, string Tries, string Wants, string Verdict, IReadOnlyList<string> Reasons)
{
    public AttackAttempt? Tried { get; init; }

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
