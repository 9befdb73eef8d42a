using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub;

/// <content>TLS.</content>
public sealed partial class MessageHub
{
    private TlsAcceptor? _tls;

    /// <summary>
    /// Shows other certificates from now on, and checks clients' by other authorities. Connections that stand go on as they are;
    /// sessions of TLS that began under the old ones are not resumed.
    /// </summary>
    /// <param name="certificates">The new ones; all or nothing.</param>
    /// <exception cref="ArgumentException">They cannot be used; the message says why, and the old ones stay.</exception>
    /// <exception cref="InvalidOperationException">The hub was not started with TLS.</exception>
    public void UseCertificates(HubCertificates certificates)
    {
        ArgumentNullException.ThrowIfNull(certificates);
        if (_tls is null)
        {
            throw new InvalidOperationException("The hub was not started with TLS.");
        }

        _tls.Use(certificates);
        _logger.CertificatesInUse(certificates.Certificate.Subject, certificates.Certificate.NotAfter.ToUniversalTime());
    }
}
