using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Client;

/// <summary>Agrees on TLS on a new socket, and checks who is at its other end.</summary>
internal sealed class TlsOpening
{
    private readonly HubClientOptions _options;
    private readonly HubTlsClientOptions _tls;
    private readonly byte[]? _pin;
    private string? _objection;

    private TlsOpening(HubClientOptions options, HubTlsClientOptions tls)
    {
        _options = options;
        _tls = tls;
        _pin = tls.PinBytes;
    }

    private string Name => _tls.TargetHost ?? _options.Host;

    /// <exception cref="HubTlsException">They do not agree, or the hub is not who it should be.</exception>
    public static Task<SslStream> OpenAsync(
        Socket socket, HubClientOptions options, HubTlsClientOptions tls, CancellationToken cancellationToken) =>
        new TlsOpening(options, tls).OpenAsync(socket, cancellationToken);

    private async Task<SslStream> OpenAsync(Socket socket, CancellationToken cancellationToken)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: false));
        try
        {
            await stream.AuthenticateAsClientAsync(CreateOptions(), cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch (Exception error)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (error is AuthenticationException or IOException { InnerException: not SocketException })
            {
                throw new HubTlsException(
                    _objection ?? $"no TLS with {_options.Host}:{_options.Port}; perhaps the hub does not speak it: {error.InnerException?.Message ?? error.Message}", error);
            }

            throw;
        }
    }

    private SslClientAuthenticationOptions CreateOptions()
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = Name,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = Accepts,
        };
        if (_tls.Authorities is { } authorities)
        {
            options.CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        if (_tls.ClientCertificate is { } certificate)
        {
            options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
        }

        return options;
    }

    private bool Accepts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            _objection = "the hub shows no certificate";
        }
        else if (_pin is not null)
        {
            byte[] shown = SHA256.HashData(certificate.GetRawCertData());
            if (!CryptographicOperations.FixedTimeEquals(shown, _pin))
            {
                _objection = $"the hub's certificate has the fingerprint sha256:{Convert.ToHexStringLower(shown)}, and not the one that is pinned";
            }
        }
        else if ((errors & SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            var problems = chain?.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct() ?? [];
            _objection = $"the hub's certificate, of {certificate.Subject}, is not to be trusted: {string.Join("; ", problems)}";
        }
        else if (errors != SslPolicyErrors.None)
        {
            _objection = $"the hub's certificate, of {certificate.Subject}, is not for the name {Name}";
        }

        return _objection is null;
    }
}
