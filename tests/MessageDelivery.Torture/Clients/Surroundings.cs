using System.Net;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Clients;

/// <summary>What every client works with.</summary>
/// <param name="Number">The client's, part of its sessions' numbers.</param>
/// <param name="Endpoint">Where it connects to: its proxy.</param>
/// <param name="Rate">Relays a second.</param>
internal sealed record Surroundings(
    int Number, IPEndPoint Endpoint, IHistory History, FaultCounts Faults, RelayMix Mix, uint Run, int Seed, double Rate)
{
    /// <summary>Whether it is a client that now and then acknowledges nothing for long.</summary>
    public bool HoldsBack { get; init; }

    /// <summary>Faults end, and their consequences within this: by then every half-open connection is closed.</summary>
    public static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(15);

    /// <summary>Whether a lost connection needs no other explanation.</summary>
    public bool ExplainsLoss => !Faults.ExplainNothing(Aftermath);
}
