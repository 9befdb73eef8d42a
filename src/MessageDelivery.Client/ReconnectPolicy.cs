using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// How a <see cref="HubClient"/> connects again after it lost its connection: with pauses that double, each drawn at random so
/// that many clients do not come back at the same moment. It does so after a lost socket and after the codes for which the
/// protocol advises it, never after a code that says that it would end the same way.
/// </summary>
public sealed record ReconnectPolicy
{
    /// <summary>The longest first pause. Default: 100 ms. Pauses are drawn between zero and a bound that starts here and doubles.</summary>
    public TimeSpan InitialDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The most the bound grows to. Default: 10 s. A hub that asks for a pause (it is shutting down or overloaded) starts the
    /// bound at a tenth of this, and at least half of the bound is waited. A connection that stood this long ends the doubling. As
    /// long as a session may be resumed, the bound stays below an eighth of the time there is for it.
    /// </summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Attempts in a row before giving up, and with it any session that might still be resumed. Default: null, without end. 0 never
    /// reconnects.
    /// </summary>
    public int? MaxAttempts { get; init; }

    internal void Validate()
    {
        if (InitialDelay < TimeSpan.Zero || MaxDelay < InitialDelay || MaxDelay.TotalMilliseconds > int.MaxValue)
        {
            throw new ArgumentException($"InitialDelay is {InitialDelay} and MaxDelay {MaxDelay}; they must be zero or more, the second not below the first, and at most 24 days");
        }

        if (MaxAttempts < 0)
        {
            throw new ArgumentException($"MaxAttempts is {MaxAttempts}; it must be 0 or more, or null");
        }
    }

    /// <summary>The pause before an attempt.</summary>
    /// <param name="attempt">Attempts made since the connection last stood for a while; the first is 0.</param>
    /// <param name="advice">What the lost connection's code advises.</param>
    /// <param name="random">From 0 to 1.</param>
    /// <param name="window">The time in which a session can be resumed, null if none can: several attempts fall into it.</param>
    internal TimeSpan DelayBefore(int attempt, ReconnectAdvice advice, double random, TimeSpan? window = null)
    {
        bool pause = advice == ReconnectAdvice.AfterPause;
        TimeSpan first = pause && MaxDelay / 10 > InitialDelay ? MaxDelay / 10 : InitialDelay;
        double max = Math.Min(MaxDelay.TotalMilliseconds, window?.TotalMilliseconds / 8 ?? double.MaxValue);
        double bound = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30)), max);
        return TimeSpan.FromMilliseconds(pause ? (bound / 2) + (bound / 2 * random) : bound * random);
    }
}
