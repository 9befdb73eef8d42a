using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Cli.Doctor;

/// <summary>Whether certificates are good, and for how long.</summary>
internal static class CertificateCheck
{
    private const string Check = "certificate";
    private static readonly TimeSpan Soon = TimeSpan.FromDays(21);

    /// <summary>Looks at a file of certificates, the hub's own first, and at its key.</summary>
    /// <param name="certificates">A PEM file: the certificate, then those that lead to a root.</param>
    /// <param name="key">A PEM file with the private key; null if there is nothing to compare.</param>
    public static IEnumerable<Finding> Files(string certificates, string? key, DateTimeOffset now)
    {
        var chain = new X509Certificate2Collection();
        string? problem = Try(() => chain.ImportFromPem(InputFile.ReadText(certificates)));
        problem ??= chain.Count == 0 ? "there is no certificate in it" : null;
        if (problem is not null)
        {
            yield return new(Check, FindingLevel.Fail, $"{certificates} cannot be read: {problem}", "it must be a PEM file with the hub's certificate first");
            yield break;
        }

        foreach (var finding in Presented(chain[0], chain, certificates, now))
        {
            yield return finding;
        }

        if (key is not null)
        {
            yield return Key(certificates, key);
        }
    }

    /// <summary>Looks at a certificate and those that came with it.</summary>
    /// <param name="place">Where it is from.</param>
    public static IEnumerable<Finding> Presented(X509Certificate2 own, X509Certificate2Collection others, string place, DateTimeOffset now)
    {
        DateTimeOffset from = own.NotBefore, until = own.NotAfter;
        string name = $"the certificate of {place} ({own.Subject})";
        yield return now < from ? new(Check, FindingLevel.Fail, $"{name} is not good before {Day(from)}", "set the clock, or use another certificate")
            : now >= until ? new(Check, FindingLevel.Fail, $"{name} has expired on {Day(until)}", "renew it")
            : until - now < Soon ? new(Check, FindingLevel.Warn, $"{name} expires in {Days(until - now)}, on {Day(until)}", "renew it")
            : new(Check, FindingLevel.Ok, $"{name} is good for {Days(until - now)}, until {Day(until)}");

        using var rsa = own.GetRSAPublicKey();
        if (rsa is not null)
        {
            yield return new(
                Check, FindingLevel.Warn, $"its key is RSA with {rsa.KeySize} bits: the signature of a full handshake takes about ten times as long as with ECDSA P-256",
                "have a certificate issued for a P-256 key, which every client of TLS 1.2 and 1.3 takes");
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        // The dates of all were judged above, or are judged below.
        chain.ChainPolicy.VerificationTime = now.LocalDateTime;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ExtraStore.AddRange(others);
        if (chain.Build(own))
        {
            yield return new(Check, FindingLevel.Ok, $"its chain leads to {chain.ChainElements[^1].Certificate.Subject}, which this machine trusts");
            yield break;
        }

        var last = chain.ChainElements[^1].Certificate;
        bool isWhole = last.SubjectName.RawData.AsSpan().SequenceEqual(last.IssuerName.RawData);
        if (chain.ChainStatus.FirstOrDefault(status => status.Status is not (X509ChainStatusFlags.UntrustedRoot or X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.NotTimeValid)) is { Status: not X509ChainStatusFlags.NoError } wrong)
        {
            yield return new(Check, FindingLevel.Fail, $"its chain is not good: {wrong.StatusInformation.Trim()}", "use another certificate");
        }
        else if (isWhole)
        {
            yield return new(
                Check, FindingLevel.Warn, $"its chain leads to {last.Subject}, which this machine does not trust",
                "clients have to be given that certificate, or the chain one that they trust");
        }
        else
        {
            yield return new(
                Check, FindingLevel.Warn, $"its chain ends with {last.Subject}: the certificate of {last.Issuer} is missing",
                "put the certificates between it and a trusted root behind it, in the same file");
        }
    }

    private static Finding Key(string certificates, string key)
    {
        string? problem = Try(() =>
        {
            using var both = X509Certificate2.CreateFromPem(InputFile.ReadText(certificates), InputFile.ReadText(key));
        });
        if (problem is not null)
        {
            return new(Check, FindingLevel.Fail, $"the key {key} does not belong to {certificates}, or cannot be read: {problem}", "use the key that the certificate was made for");
        }

        return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(key) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0
            ? new(Check, FindingLevel.Fail, $"everybody on this machine may read or change the key {key}", $"chmod o-rwx {key}")
            : new(Check, FindingLevel.Ok, $"the key {key} belongs to it");
    }

    private static string? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception exception) when (exception is IOException or CryptographicException or ArgumentException or FormatException or NotSupportedException)
        {
            return OneLine.WithoutParameter(exception);
        }
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Days(TimeSpan time) =>
        (int)time.TotalDays is 1 ? "1 day" : $"{(int)time.TotalDays} days";
}
