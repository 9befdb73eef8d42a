using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>What handshakes go by, from one set of certificates to the next. A handshake under way keeps those it began with.</summary>
internal sealed class TlsTerms
{
    private readonly SslServerAuthenticationOptions _options;
    private readonly X509ChainPolicy? _policy;
    private readonly X509Certificate2 _certificate;

    public TlsTerms(HubTlsOptions options, HubCertificates certificates)
    {
        var asked = options.ClientCertificates;
        var authorities = certificates.ClientAuthorities;
        // Offline: nothing is fetched for a handshake. Sessions are resumed for as long as the same certificate is shown: the runtime keeps
        // what opens their tickets by its fingerprint, and drops it some time after another one is shown.
        var context = SslStreamCertificateContext.Create(
            certificates.Certificate,
            certificates.Intermediates,
            offline: true,
            asked == HubClientCertificates.Off ? null : SslCertificateTrust.CreateForX509Collection(authorities, sendTrustInHandshake: true));
        ClientCertificates = asked;
        _certificate = certificates.Certificate;
        _options = Create(context);
        if (asked != HubClientCertificates.Off)
        {
            _policy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            _policy.CustomTrustStore.AddRange(authorities);
        }
    }

    /// <summary>Whether clients show a certificate.</summary>
    public HubClientCertificates ClientCertificates { get; }

    /// <summary>Whether a host is named in the certificate.</summary>
    public bool IsNamed(string host) => _certificate.MatchesHostname(host);

    /// <summary>What a handshake goes by, whose client's certificate, or null for none, is looked at by <paramref name="look"/>; if that says no, the handshake fails.</summary>
    public SslServerAuthenticationOptions For(Func<X509Certificate?, X509Chain?, SslPolicyErrors, bool> look)
    {
        if (_policy is null)
        {
            return _options;
        }

        var options = Create(_options.ServerCertificateContext!);
        options.ClientCertificateRequired = true;
        // Whether a session is resumed or not, the client's certificate is looked at anew: the one it has shown when the session began. Those
        // behind it do not come with it.
        options.AllowTlsResume = !ClientIntermediates.OfProcess.IsFull;
        options.CertificateChainPolicy = _policy.Clone();
        options.CertificateChainPolicy.ExtraStore.AddRange(ClientIntermediates.OfProcess.Known);
        options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => look(certificate, chain, errors);
        return options;
    }

    private static SslServerAuthenticationOptions Create(SslStreamCertificateContext context) => new()
    {
        ServerCertificateContext = context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
    };
}
