namespace MessageDelivery.Cli.Attacks;

/// <summary>One way in which somebody hostile treats a hub. What the hub should do holds for each hub, however it is configured.</summary>
/// <param name="name">On the command line and in the report.</param>
/// <param name="tries">What is tried, in a few words.</param>
/// <param name="wants">What a hub should do about it.</param>
internal abstract class Attack(string name, string tries, string wants)
{
    /// <summary>Memory that a hub may take for what it keeps of nobody: its runtime's own growth.</summary>
    protected const long RuntimeBytes = 96L << 20;

    /// <summary>What a connection may cost whatever it says, without what it has sent.</summary>
    protected const long BytesPerConnection = 64L << 10;

    /// <summary>All attacks, in the order in which they are made.</summary>
    public static IReadOnlyList<Attack> All { get; } =
    [
        new DeclaredLengths(),
        new Trickle(),
        new EndlessLine(),
        new LengthEdges(),
        RequestFlood.Errors,
        RequestFlood.Lists,
        RequestFlood.Echoes,
        new NeverAcknowledged(),
        new ConnectionFlood(),
        new TlsJunk(),
        new HalfTlsHandshakes(),
        new TlsHandshakeFlood(),
        new TlsRenegotiation(),
        new BadTokens(),
        new HttpRequests(),
        new SmuggledCommands(),
        new SmuggledLines(),
    ];

    public string Name => name;

    public string Tries => tries;

    public string Wants => wants;

    /// <summary>Why it cannot be made against this hub; null where it can.</summary>
    public virtual string? DoesNotApply(AttackTarget target) => null;

    /// <summary>Bytes by which the hub's memory may grow meanwhile; more is suspect.</summary>
    public virtual long MaxGrowthBytes(AttackScene scene) =>
        RuntimeBytes + (scene.Tally.Opened * BytesPerConnection) + (2 * scene.Tally.SentBytes);

    /// <summary>Makes the attack; ends when it has nothing more to try, or soon after the scene's time is over.</summary>
    public abstract Task RunAsync(AttackScene scene);
}
