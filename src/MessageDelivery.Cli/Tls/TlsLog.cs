using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Tls;

/// <summary>What the program logs of its certificates. docs/operations.md lists it with the hub's own events.</summary>
internal static partial class TlsLog
{
    [LoggerMessage(22, LogLevel.Error, "The certificates were not reloaded, and those in use stay: {Why}")]
    public static partial void CertificatesNotReloaded(this ILogger logger, string why);

    [LoggerMessage(23, LogLevel.Warning, "{Path} holds a secret, and everybody on this machine may read it; chmod 600 it")]
    public static partial void SecretIsOpen(this ILogger logger, string path);

    [LoggerMessage(24, LogLevel.Warning, "TLS with a throw-away certificate that nobody has a reason to trust, for trying it out only; clients may pin it: --tls-pin sha256:{Fingerprint}")]
    public static partial void ThrowAwayCertificate(this ILogger logger, string fingerprint);
}
