namespace MessageDelivery.Cli.Bench;

/// <summary>Who relays to whom.</summary>
internal enum BenchShape
{
    /// <summary>Each sender to a receiver of its own.</summary>
    Pairs,
    /// <summary>Each relay to all receivers.</summary>
    FanOut,
    /// <summary>All senders to one receiver.</summary>
    FanIn,
    /// <summary>Each user to another one, chosen anew for each relay.</summary>
    Mesh,
    /// <summary>Each user to itself.</summary>
    Rtt,
}

/// <summary>What one run does. Exactly one of <see cref="Rate"/> and <see cref="Window"/> is set, and of <see cref="Duration"/> and <see cref="Count"/>.</summary>
internal sealed record BenchPlan
{
    public required BenchShape Shape { get; init; }

    /// <summary>Users who send; in a mesh and for round trips they receive as well.</summary>
    public required int Users { get; init; }

    /// <summary>Users who receive each relay of a fan-out; elsewhere 1.</summary>
    public int Receivers { get; init; } = 1;

    /// <summary>Bytes of each body, at least <see cref="MessageStamp.Bytes"/>.</summary>
    public required int SizeBytes { get; init; }

    /// <summary>Relays a second of all senders together, each due at its time: an open loop. Null is a closed loop.</summary>
    public int? Rate { get; init; }

    /// <summary>Relays of each sender that may be under way in a closed loop.</summary>
    public int? Window { get; init; }

    /// <summary>How long it measures; null where <see cref="Count"/> ends it.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Relays to measure, of all senders together; null where <see cref="Duration"/> ends it.</summary>
    public long? Count { get; init; }

    /// <summary>How long it relays before it measures.</summary>
    public required TimeSpan WarmUp { get; init; }

    /// <summary>How long it goes on waiting for messages while none comes.</summary>
    public required TimeSpan Drain { get; init; }

    /// <summary>Whether count, order and content of what arrives are checked.</summary>
    public required bool Verifies { get; init; }

    /// <summary>Users who only receive.</summary>
    public int OnlyReceivers => Shape switch
    {
        BenchShape.Pairs => Users,
        BenchShape.FanOut => Receivers,
        BenchShape.FanIn => 1,
        _ => 0,
    };

    /// <summary>Whether senders receive as well.</summary>
    public bool SendersReceive => Shape is BenchShape.Mesh or BenchShape.Rtt;

    public string Name => NameOf(Shape);

    /// <summary>As it is written on the command line.</summary>
    public static string NameOf(BenchShape shape) => shape switch
    {
        BenchShape.Pairs => "pairs",
        BenchShape.FanOut => "fan-out",
        BenchShape.FanIn => "fan-in",
        BenchShape.Mesh => "mesh",
        _ => "rtt",
    };

    /// <summary>
    /// The lists of receivers that a sender has, by their places among all users: those who send first, then those who only
    /// receive. It relays to one of the lists at a time and numbers the relays to each.
    /// </summary>
    public int[][] ReceiversOf(int sender) => Shape switch
    {
        BenchShape.Pairs => [[Users + sender]],
        BenchShape.FanOut => [[.. Enumerable.Range(Users, Receivers)]],
        BenchShape.FanIn => [[Users]],
        BenchShape.Mesh => [.. Enumerable.Range(0, Users).Where(other => other != sender).Select(other => (int[])[other])],
        _ => [[sender]],
    };
}
