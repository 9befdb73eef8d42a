using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>Finds out what the new connections of one loop speak. Only its thread uses it.</summary>
internal sealed class Detector
{
    /// <param name="authentication">Who is let in; null lets everybody in.</param>
    /// <param name="tls">Who begins TLS; null where the hub does not speak it.</param>
    public Detector(
        ConnectionHost host, SessionTable sessions, SessionLimits limits, ILogger logger, AuthenticationService? authentication = null, TlsAcceptor? tls = null)
    {
        Shared = new(host, sessions, limits, logger, authentication);
        Binary = new(Shared);
        Tls = tls;
    }

    public ConnectionHost Host => Shared.Host;

    public LoopServices Shared { get; }

    public BinaryServices Binary { get; }

    /// <summary>Who begins TLS; null where the hub does not speak it.</summary>
    public TlsAcceptor? Tls { get; }

    /// <summary>Begins with a new connection.</summary>
    /// <param name="refusal">Why the connection is refused; null if it is not.</param>
    /// <param name="order">The number of the connection among all that were accepted.</param>
    public IProtocol Open(Connection connection, Ending? refusal, long order) => new OpeningSession(this, connection, refusal, order);
}
