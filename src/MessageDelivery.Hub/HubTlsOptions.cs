using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Hub;

/// <summary>TLS on a hub's port: 1.2 and 1.3, told by the first byte of a connection. Immutable; change a copy with <c>with</c>.</summary>
public sealed record HubTlsOptions
{
    /// <summary>Whether there is TLS. Default: <see cref="HubTlsMode.Off"/>.</summary>
    public HubTlsMode Mode { get; init; }

    /// <summary>
    /// What the hub shows, and what it wants to see. Default: null, which only <see cref="HubTlsMode.Off"/> allows.
    /// <see cref="MessageHub.UseCertificates"/> replaces it while the hub runs.
    /// </summary>
    public HubCertificates? Certificates { get; init; }

    /// <summary>Whether clients show a certificate. Default: <see cref="HubClientCertificates.Off"/>.</summary>
    public HubClientCertificates ClientCertificates { get; init; }

    /// <summary>Threads that do the arithmetic of handshakes, beside the event loops. Default: null, one for each processor.</summary>
    public int? HandshakeThreads { get; init; }

    /// <summary>Checks every option; an impossible one is named with its value and its limit.</summary>
    /// <exception cref="ArgumentException">An option is impossible.</exception>
    internal void Validate()
    {
        if (Mode != HubTlsMode.Off)
        {
            Check(Certificates ?? throw new ArgumentException($"Tls.Mode is {Mode}, and Tls.Certificates has none to show.", nameof(Certificates)));
        }

        if (HandshakeThreads is < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(HandshakeThreads), HandshakeThreads, "Tls.HandshakeThreads must be at least 1.");
        }
    }

    /// <summary>Checks certificates that are to be used with these options.</summary>
    /// <exception cref="ArgumentException">They are not enough.</exception>
    internal void Check(HubCertificates certificates)
    {
        if (!certificates.Certificate.HasPrivateKey)
        {
            throw new ArgumentException($"The certificate of {certificates.Certificate.Subject} has no private key.", nameof(certificates));
        }

        if (ClientCertificates != HubClientCertificates.Off && certificates.ClientAuthorities.Count == 0)
        {
            throw new ArgumentException(
                $"Tls.ClientCertificates is {ClientCertificates}, and there is no authority to check them against.", nameof(certificates));
        }
    }
}

/// <summary>Whether connections to a hub are encrypted.</summary>
public enum HubTlsMode
{
    /// <summary>None is; a client that tries gets a TLS alert.</summary>
    Off,

    /// <summary>Those that want to be; others speak in the clear on the same port.</summary>
    Optional,

    /// <summary>All; who speaks in the clear gets an error that says so, and is disconnected.</summary>
    Required,
}

/// <summary>Whether clients show a certificate, which one of <see cref="HubCertificates.ClientAuthorities"/> has signed.</summary>
public enum HubClientCertificates
{
    /// <summary>They are not asked for one.</summary>
    Off,

    /// <summary>They are asked for one, and may have none; one that does not hold is refused all the same.</summary>
    Optional,

    /// <summary>Who has none, or one that does not hold, is refused.</summary>
    Required,
}

/// <summary>What a hub shows to its clients, and by what it checks theirs.</summary>
/// <param name="Certificate">The hub's certificate, with its private key.</param>
public sealed record HubCertificates(X509Certificate2 Certificate)
{
    /// <summary>Certificates between the hub's and one that clients trust, sent along. Default: none.</summary>
    public X509Certificate2Collection Intermediates { get; init; } = [];

    /// <summary>Who may have signed clients' certificates. The system's authorities have no say in it. Default: none.</summary>
    public X509Certificate2Collection ClientAuthorities { get; init; } = [];
}
