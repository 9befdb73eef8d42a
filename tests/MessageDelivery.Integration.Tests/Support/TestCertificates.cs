using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Hub;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>An authority, and what it signs. Made once: keys take their time.</summary>
internal static class TestCertificates
{
    public static readonly X509Certificate2 Authority = MakeAuthority("CN=test authority");

    public static readonly X509Certificate2 OtherAuthority = MakeAuthority("CN=another authority");

    public static readonly X509Certificate2 Hub = Issue(Authority, "CN=hub", isServer: true);

    public static readonly X509Certificate2 SecondHub = Issue(Authority, "CN=second hub", isServer: true);

    public static readonly X509Certificate2 Alice = Issue(Authority, "CN=alice", isServer: false);

    public static readonly X509Certificate2 Mallory = Issue(OtherAuthority, "CN=mallory", isServer: false);

    public static readonly X509Certificate2 ExpiredAlice = Issue(Authority, "CN=alice", isServer: false, validDays: -1);

    /// <summary>Certificates for a hub, which checks clients' by the first authority.</summary>
    public static HubCertificates ForHub(X509Certificate2? certificate = null) =>
        new(certificate ?? Hub) { ClientAuthorities = [Authority] };

    public static HubTlsOptions Tls(
        HubTlsMode mode = HubTlsMode.Optional, HubClientCertificates clients = HubClientCertificates.Off) =>
        new() { Mode = mode, Certificates = ForHub(), ClientCertificates = clients };

    /// <summary>How a client trusts the first authority.</summary>
    public static SslClientAuthenticationOptions Client(
        X509Certificate2? certificate = null, SslProtocols protocols = SslProtocols.None, string name = "localhost")
    {
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = name,
            EnabledSslProtocols = protocols,
            CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { Authority },
            },
        };
        if (certificate is not null)
        {
            options.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, [], offline: true);
        }

        return options;
    }

    /// <summary>Issues a certificate for this machine's names, and for another one if there is one.</summary>
    public static X509Certificate2 Issue(X509Certificate2 authority, string subject, bool isServer, int validDays = 30, string? name = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new(isServer ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName(name ?? "localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.UtcNow;
        using var signed = request.Create(authority, now.AddDays(-2), now.AddDays(validDays), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    /// <summary>An authority that another one has signed.</summary>
    public static X509Certificate2 MakeIntermediate(X509Certificate2 authority, string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        using var signed = RequestForAuthority(subject, key).Create(authority, now.AddDays(-2), now.AddDays(40), RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    private static X509Certificate2 MakeAuthority(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UtcNow;
        return RequestForAuthority(subject, key).CreateSelfSigned(now.AddDays(-3), now.AddDays(60));
    }

    private static CertificateRequest RequestForAuthority(string subject, ECDsa key)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        return request;
    }
}
