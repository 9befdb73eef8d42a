using System.ComponentModel;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Client;

/// <summary>The TLS handshake of a new connection, with the check of the hub's certificate.</summary>
internal sealed class TlsHandshake
{
    // Alerts (RFC 8446, section 6.2) that do not mean that the peer refuses this client.
    private const int InternalError = 80;
    private const int UserCancelled = 90;

    private readonly HubClientOptions _options;
    private readonly HubTlsClientOptions _tls;
    private readonly byte[]? _pin;
    private string? _refusal;

    private TlsHandshake(HubClientOptions options, HubTlsClientOptions tls)
    {
        _options = options;
        _tls = tls;
        _pin = tls.PinBytes;
    }

    private string Name => _tls.TargetHost ?? _options.Host;

    /// <exception cref="HubTlsException">One side refuses the other.</exception>
    /// <exception cref="HubConnectionException">The connection ended during the handshake; another attempt may succeed.</exception>
    public static Task<SslStream> OpenAsync(
        Stream inner, HubClientOptions options, HubTlsClientOptions tls, CancellationToken cancellationToken) =>
        new TlsHandshake(options, tls).OpenAsync(inner, cancellationToken);

    private async Task<SslStream> OpenAsync(Stream inner, CancellationToken cancellationToken)
    {
        var stream = new SslStream(inner);
        try
        {
            await stream.AuthenticateAsClientAsync(CreateOptions(), cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch (Exception error)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (_refusal is not null || IsRefusal(error))
            {
                throw new HubTlsException(
                    _refusal ?? $"no TLS with {_options.HubName}; perhaps the hub does not speak it: {error.InnerException?.Message ?? error.Message}", error);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw new HubConnectionException(null, $"the TLS handshake with {_options.HubName} failed: {error.Message}", error);
        }
    }

    /// <summary>
    /// Whether one side refuses the other's certificate or TLS version, so that another attempt would fail the same way. A connection that just
    /// ends, as a load balancer without a hub closes it, is no refusal.
    /// </summary>
    public static bool IsRefusal(Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case SocketException:
                    return false;
                case Win32Exception:
                    return true;
                case CryptographicException when AlertOf(cause) is { } alert:
                    return alert is not (InternalError or UserCancelled);
                default:
                    break;
            }
        }

        return error is AuthenticationException;
    }

    /// <summary>The TLS alert in an OpenSSL error, if there is one: its reason code is 1000 plus the alert's number.</summary>
    private static int? AlertOf(Exception error) => (error.HResult & 0x7FFFFF) is >= 1000 and < 1256 and var reason ? reason - 1000 : null;

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
            _refusal = "the hub shows no certificate";
        }
        else if (_pin is not null)
        {
            byte[] shown = SHA256.HashData(certificate.GetRawCertData());
            if (!CryptographicOperations.FixedTimeEquals(shown, _pin))
            {
                _refusal = $"the hub's certificate has the fingerprint sha256:{Convert.ToHexStringLower(shown)}, and not the one that is pinned";
            }
        }
        else if ((errors & SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            var problems = chain?.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct() ?? [];
            _refusal = $"the hub's certificate, of {certificate.Subject}, is not to be trusted: {string.Join("; ", problems)}";
        }
        else if (errors != SslPolicyErrors.None)
        {
            _refusal = $"the hub's certificate, of {certificate.Subject}, is not for the name {Name}";
        }

        return _refusal is null;
    }
}
