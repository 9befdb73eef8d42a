namespace MessageDelivery.Torture.Faults;

/// <summary>
/// How often each fault happens, and for how long. With the default number of clients each kind comes more than a thousand times
/// an hour; those of the proxy happen to each connection on its own.
/// </summary>
internal static class FaultTable
{
    /// <summary>Mean time between two of a kind on one connection.</summary>
    public static readonly TimeSpan ConnectionMean = TimeSpan.FromSeconds(60);

    /// <summary>Between two stops of the hub, from the end of one to the beginning of the next.</summary>
    public static readonly Span HubStopPause = new(1, 3.4);

    public static readonly Span HubStopLength = new(0.1, 2);

    /// <summary>Between two stops of one client process; each of the processes has its own clock.</summary>
    public static readonly Span ClientStopPause = new(2, 9);

    public static readonly Span ClientStopLength = new(0.1, 3);

    /// <summary>How long a client process lives.</summary>
    public static readonly Span ClientLife = new(4, 14);

    public static readonly Span StallLength = new(0.1, 3);

    public static readonly Span FreezeLength = new(0.1, 3);

    public static readonly Span DelayLatency = new(0.002, 0.2);

    public static readonly Span DelayLength = new(0.5, 4);

    public static readonly Span SplitLength = new(0.5, 4);

    /// <summary>How long the hub's side stands after the client's has ended.</summary>
    public static readonly Span HalfOpenLength = new(0.5, 12);

    /// <summary>Bytes that trickle before the connection flows again.</summary>
    public const int MaxTrickledBytes = 1_500;

    /// <summary>One in so many absences lasts longer than the resume window.</summary>
    public const int LongAbsenceOneIn = 150;

    /// <summary>From so many seconds to so many, short ones more often.</summary>
    internal readonly record struct Span(double Least, double Most)
    {
        public TimeSpan Draw(Random random) =>
            TimeSpan.FromSeconds(Least * Math.Pow(Most / Least, Math.Pow(random.NextDouble(), 1.3)));
    }
}
