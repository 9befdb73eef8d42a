using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Client;

/// <summary>How a <see cref="HubClient"/> speaks TLS, 1.2 or 1.3. Immutable; change a copy with <c>with</c>.</summary>
public sealed record HubTlsClientOptions
{
    /// <summary>The name that the hub's certificate must have. Default: null, the host that is connected to.</summary>
    public string? TargetHost { get; init; }

    /// <summary>Who may have signed the hub's certificate. Default: null, whom the system trusts.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>
    /// The SHA-256 of the hub's certificate (DER), as <c>sha256:</c> and 64 hexadecimal digits; <c>sha256:</c> and colons may be left
    /// out. That certificate is trusted, whoever signed it and whatever its name, and no other. Default: null.
    /// </summary>
    public string? Pin { get; init; }

    /// <summary>The certificate to show to a hub that asks for one, with its private key. Default: null, none.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>The pin's bytes; null if there is none.</summary>
    internal byte[]? PinBytes
    {
        get
        {
            if (Pin is null)
            {
                return null;
            }

            string hex = Pin.StartsWith("sha256:", StringComparison.OrdinalIgnoreCase) ? Pin[7..] : Pin;
            try
            {
                return Convert.FromHexString(hex.Replace(":", "", StringComparison.Ordinal)) is { Length: 32 } bytes ? bytes : null;
            }
            catch (FormatException)
            {
                return null;
            }
        }
    }

    internal void Validate()
    {
        if (Pin is not null && PinBytes is null)
        {
            throw new ArgumentException($"Tls.Pin is '{Pin}'; it must be sha256: and 64 hexadecimal digits", nameof(Pin));
        }

        if (ClientCertificate is { HasPrivateKey: false } certificate)
        {
            throw new ArgumentException($"Tls.ClientCertificate, of {certificate.Subject}, has no private key", nameof(ClientCertificate));
        }
    }
}
