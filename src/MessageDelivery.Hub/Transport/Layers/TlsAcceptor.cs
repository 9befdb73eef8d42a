using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>What all connections of a hub need to speak TLS.</summary>
internal sealed class TlsAcceptor : IDisposable
{
    private readonly HubTlsOptions _options;
    private readonly HandshakeThreads _threads;
    private volatile TlsTerms _terms;

    /// <param name="timeout">How long a handshake may take; zero is for ever.</param>
    /// <param name="milliseconds">The time on the hub's clock.</param>
    /// <param name="failed">Told of a defect.</param>
    public TlsAcceptor(HubTlsOptions options, TimeSpan timeout, Func<long> milliseconds, Action<Exception> failed)
    {
        // Who is let in after half of the time can be done within the other half.
        var patience = timeout == TimeSpan.Zero ? TimeSpan.MaxValue : timeout / 2;
        _options = options;
        _terms = new(options, options.Certificates!);
        _threads = new(options.HandshakeThreads ?? Environment.ProcessorCount, patience, milliseconds, failed);
    }

    /// <summary>Whether there is nothing but TLS.</summary>
    public bool IsRequired => _options.Mode == HubTlsMode.Required;

    /// <summary>Whether a host is named in the certificate that is shown now.</summary>
    public bool IsNamed(string host) => _terms.IsNamed(host);

    /// <summary>Handshakes that begin from now on go by these.</summary>
    /// <exception cref="ArgumentException">They cannot be used; nothing has changed.</exception>
    public void Use(HubCertificates certificates)
    {
        _options.Check(certificates);
        _terms = new(_options, certificates);
    }

    /// <summary>A layer that shakes hands over another. It waits for its <see cref="TlsHandshakeLayer.Begin"/>.</summary>
    /// <param name="progressed">Called, on any thread, when <see cref="ByteLayer.OnPosted"/> has something to do.</param>
    public TlsHandshakeLayer Create(ByteLayer lower, BlockPool pool, ITlsOwner owner, Action progressed) =>
        new(lower, pool, new(_terms, _threads, progressed), owner);

    public void Dispose() => _threads.Dispose();
}
