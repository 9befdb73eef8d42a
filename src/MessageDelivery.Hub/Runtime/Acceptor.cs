using System.Net;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Runtime;

/// <summary>
/// Decides which connections are accepted, takes a slot for each, and deals them out to the loops in turn. Refused ones are told why, up to a
/// few at a time. The accepting loop's thread.
/// </summary>
/// <param name="detectors">Of each loop; the first one's accepts.</param>
internal sealed class Acceptor(ConnectionQuota quota, AddressGate gate, IReadOnlyList<Detector> detectors, ILogger logger)
    : IListenerEvents
{
    private const long ShortageMilliseconds = 1_000;

    private readonly EventLoop _loop = detectors[0].Host.Loop;
    private int _next;
    private long _accepted;
    private LogThrottle _throttle;

    public bool MayAccept => quota.MayAccept;

    /// <summary>Whether memory is, or was until a moment ago, so short that existing connections need what is left.</summary>
    private bool IsOverloaded => _loop.Pool.IsLow || _loop.Pool.HasWaitedSince(_loop.Now - ShortageMilliseconds);

    public bool TryMakeRoom() => quota.TryMakeRoom();

    public void Accepted(ByteLayer layer, in PeerAddress peer)
    {
        var slot = gate.TryTake(peer, _loop, out var refusal) ?? quota.TryTakeToRefuse();
        if (slot is null)
        {
            // Closed without an answer: enough refused connections are being answered.
            TurnedAway(peer, refusal!.Reason);
            layer.Close();
            return;
        }

        var chosen = detectors[_next];
        _next = (_next + 1) % detectors.Count;
        refusal ??= IsOverloaded ? Ending.Overloaded : null;
        try
        {
            chosen.Host.Adopt(layer, slot, peer, refusal is null ? chosen.Open : Refusing(chosen, refusal), ++_accepted);
        }
        catch
        {
            // The listener closes the layer.
            slot.Release();
            throw;
        }
    }

    public void TurnedAway(in PeerAddress peer) => TurnedAway(peer, CloseReason.TooManyConnections);

    public void AcceptFailed(IPEndPoint endpoint, int error) => logger.AcceptFailed(endpoint, error);

    private static Func<Connection, long, IProtocol> Refusing(Detector detector, Ending refusal) =>
        (connection, order) => detector.Refuse(connection, refusal, order);

    private void TurnedAway(in PeerAddress peer, CloseReason reason)
    {
        detectors[0].Shared.Sessions.Audit.TurnedAway(peer, reason);
        detectors[0].Host.Closed.Add(reason);
        if (reason == CloseReason.TooManyConnections && _throttle.TryPass(_loop.Now))
        {
            logger.TooManyConnections(quota.Max);
        }
    }
}
