using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Hub.Transport.Tls;

/// <summary>What handshakes go by, from one set of certificates to the next. A handshake under way keeps those it began with.</summary>
internal sealed class TlsTerms
{
    public TlsTerms(HubTlsOptions options, HubCertificates certificates)
    {
        var asked = options.ClientCertificates;
        var authorities = certificates.ClientAuthorities;
        // Offline: nothing is fetched for a handshake. A context of its own for each set: what was resumable under the old one is not.
        var context = SslStreamCertificateContext.Create(
            certificates.Certificate,
            certificates.Intermediates,
            offline: true,
            asked == HubClientCertificates.Off ? null : SslCertificateTrust.CreateForX509Collection(authorities, sendTrustInHandshake: true));
        ServerOptions = new()
        {
            ServerCertificateContext = context,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            ClientCertificateRequired = asked != HubClientCertificates.Off,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (asked != HubClientCertificates.Off)
        {
            ServerOptions.CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            ServerOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
            ServerOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                errors == SslPolicyErrors.None || (certificate is null && asked == HubClientCertificates.Optional);
        }
    }

    public SslServerAuthenticationOptions ServerOptions { get; }
}
