namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>What all connections of a hub need to speak TLS.</summary>
internal sealed class TlsAcceptor : IDisposable
{
    private readonly HubTlsOptions _options;
    private readonly HandshakeThreads _threads;
    private readonly ITlsEvents _events;
    private volatile TlsTerms _terms;

    public TlsAcceptor(HubTlsOptions options, ITlsEvents events, Action<Exception> failed)
    {
        _options = options;
        _events = events;
        _terms = new(options, options.Certificates!);
        _threads = new(options.HandshakeThreads ?? Environment.ProcessorCount, failed);
    }

    /// <summary>Whether there is nothing but TLS.</summary>
    public bool IsRequired => _options.Mode == HubTlsMode.Required;

    /// <summary>Handshakes that begin from now on go by these.</summary>
    /// <exception cref="ArgumentException">They cannot be used; nothing has changed.</exception>
    public void Use(HubCertificates certificates)
    {
        _options.Check(certificates);
        _terms = new(_options, certificates);
    }

    public TlsHandshake Begin(Action progressed) => new(_terms, _threads, progressed);

    public void Failed(Connection connection, string why) => _events.HandshakeFailed(connection.Peer, why);

    public void Dispose() => _threads.Dispose();
}

/// <summary>What is told of handshakes. Called on the connection's loop.</summary>
internal interface ITlsEvents
{
    void HandshakeFailed(in PeerAddress peer, string why);
}
