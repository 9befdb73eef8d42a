using MessageDelivery.Torture.Proxy;

namespace MessageDelivery.Torture.Running;

/// <summary>What a run is told.</summary>
/// <param name="Length">How long it loads the hub; draining comes on top.</param>
/// <param name="Rate">Relays a second, of all clients together.</param>
/// <param name="IsSoak">No faults; memory is judged.</param>
/// <param name="Break">What the proxy is to do wrong, to see whether it is found.</param>
/// <param name="Json">A file for the figures.</param>
internal sealed record TortureSettings(
    TimeSpan Length, int Seed, double Rate, bool IsSoak, SabotageKind? Break, FileInfo? Json, Crowd Crowd)
{
    /// <summary>Tells this run's bodies from those of another.</summary>
    public uint Run => unchecked((uint)Seed * 2654435761u);
}

/// <summary>How many clients of each kind take part.</summary>
internal sealed record Crowd(int Raw, int Library, int Plain, int Text, int Processes, int TypeScript)
{
    public int All => Raw + Library + Plain + Text + Processes + TypeScript;
}
