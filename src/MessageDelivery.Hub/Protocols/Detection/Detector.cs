using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Protocols.Http;
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
    /// <param name="http">Who serves HTTP; null is nobody.</param>
    public Detector(
        ConnectionHost host, SessionTable sessions, SessionLimits limits, ILogger logger, AuthenticationService? authentication = null, TlsAcceptor? tls = null,
        HttpServices? http = null)
    {
        Shared = new(host, sessions, limits, logger, authentication);
        Binary = new(Shared);
        Tls = tls;
        Http = http ?? HttpServices.None;
        Open = (connection, order) => new OpeningSession(this, connection, null, order);
    }

    public ConnectionHost Host => Shared.Host;

    public LoopServices Shared { get; }

    public BinaryServices Binary { get; }

    /// <summary>Who begins TLS; null where the hub does not speak it.</summary>
    public TlsAcceptor? Tls { get; }

    /// <summary>What connections share that speak HTTP.</summary>
    public HttpServices Http { get; }

    /// <summary>Begins with a new connection, which has this number among all that were accepted.</summary>
    public Func<Connection, long, IProtocol> Open { get; }

    /// <summary>Begins with one that is told why it is refused.</summary>
    public IProtocol Refuse(Connection connection, Ending refusal, long order) => new OpeningSession(this, connection, refusal, order);
}
