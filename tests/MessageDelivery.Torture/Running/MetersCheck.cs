namespace MessageDelivery.Torture.Running;

/// <summary>
/// Whether the hub holds what it held before anybody came: no users, nothing queued or kept, and no more message memory than
/// its loops receive into. A block that nobody gave back would show.
/// </summary>
internal sealed class MetersCheck
{
    private const string Memory = "mds.memory.used";

    /// <summary>What each processor's event loop may hold to receive into and to copy into.</summary>
    private static readonly long MaxOfLoops = Environment.ProcessorCount * (512L << 10);

    private static readonly string[] EmptyAtTheEnd = ["mds.users", "mds.users.away", "mds.connections", "mds.queued", "mds.retained"];

    private readonly int _hub;

    private MetersCheck(int hub, long before) => (_hub, Before) = (hub, before);

    /// <summary>Message memory in bytes.</summary>
    public long Before { get; }

    /// <summary>The same at the end.</summary>
    public long After { get; private set; }

    public static async Task<MetersCheck> BeginAsync(int hub) => new(hub, (await HubMeters.ReadAsync(hub))[Memory]);

    /// <summary>What is wrong after everybody has left.</summary>
    public async Task<List<string>> EndAsync()
    {
        var meters = await HubMeters.ReadAsync(_hub);
        After = meters[Memory];
        List<string> failures =
        [
            .. EmptyAtTheEnd.Where(name => meters.GetValueOrDefault(name) != 0).Select(name => $"{name} is {meters[name]} after everybody has left"),
        ];
        if (After > Before + MaxOfLoops)
        {
            failures.Add($"{Memory} is {After} after everybody has left, and was {Before} before");
        }

        return failures;
    }
}
