using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// The certificates between those of clients and an authority, as clients have shown them. A session that goes on brings the client's own
/// certificate and no other (its ticket has no room for them), and it is to be checked again all the same.
/// </summary>
/// <remarks>They are trusted for nothing: each check builds its chain anew, up to the authorities of its time.</remarks>
internal sealed class ClientIntermediates
{
    /// <summary>With as many as this nothing is resumed any more where clients show certificates: the next ones could not be remembered.</summary>
    public const int MaxCertificates = 64;

    private readonly Lock _gate = new();
    private volatile X509Certificate2Collection _known = [];

    /// <summary>For all hubs of the process, because so are tickets: the runtime keeps one set of keys for each certificate that is shown.</summary>
    public static ClientIntermediates OfProcess { get; } = new();

    /// <summary>Those of now. Never changed.</summary>
    public X509Certificate2Collection Known => _known;

    public bool IsFull => _known.Count >= MaxCertificates;

    /// <summary>Remembers what lies between the two ends of a chain that holds.</summary>
    public void Remember(X509Chain chain)
    {
        for (int i = 1; i < chain.ChainElements.Count - 1; i++)
        {
            var certificate = chain.ChainElements[i].Certificate;
            if (!_known.Contains(certificate))
            {
                Add(certificate);
            }
        }
    }

    private void Add(X509Certificate2 certificate)
    {
        lock (_gate)
        {
            if (!IsFull && !_known.Contains(certificate))
            {
                // A copy: the handshake's own is released.
                _known = [.. _known, X509CertificateLoader.LoadCertificate(certificate.RawDataMemory.Span)];
            }
        }
    }
}
