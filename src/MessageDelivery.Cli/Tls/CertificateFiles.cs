using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub;

namespace MessageDelivery.Cli.Tls;

/// <summary>Certificates and keys from the files that the settings name.</summary>
internal static class CertificateFiles
{
    /// <summary>Reads all of them, or none.</summary>
    /// <exception cref="CertificateFileException">A file cannot be read, or does not hold what it should; the message names it.</exception>
    public static HubCertificates Load(TlsFiles files)
    {
        var authorities = files.ClientAuthorities is { } path ? ReadAll(path) : [];
        if (files.IsThrowAway)
        {
            return new(MakeThrowAway()) { ClientAuthorities = authorities };
        }

        var shown = files.Pkcs12 is { } archive ? ReadPkcs12(archive, files.Pkcs12PasswordFile) : ReadPem(files.Certificate!, files.Key);
        return shown with { ClientAuthorities = authorities };
    }

    /// <summary>Something that differs as soon as what the files hold does; a file that cannot be read counts as well.</summary>
    public static string Fingerprint(TlsFiles files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in files.Paths)
        {
            try
            {
                hash.AppendData(SHA256.HashData(File.ReadAllBytes(path)));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                hash.AppendData([0]);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>The files with a secret in them that everybody on the machine may read.</summary>
    public static IEnumerable<string> OpenSecrets(TlsFiles files) =>
        new[] { files.Key ?? files.Certificate, files.Pkcs12, files.Pkcs12PasswordFile }.OfType<string>().Where(path =>
            OperatingSystem.IsLinux() && File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0);

    /// <summary>A certificate for this machine's own names, which nobody has a reason to trust.</summary>
    public static X509Certificate2 MakeThrowAway()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1")], false));
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddHours(-1), now.AddDays(30));
    }

    private static HubCertificates ReadPem(string certificatePath, string? keyPath)
    {
        keyPath ??= certificatePath;
        string pem = Read(certificatePath), key = Read(keyPath);
        var chain = Parse(certificatePath, pem);
        try
        {
            return new(X509Certificate2.CreateFromPem(pem, key)) { Intermediates = [.. chain.Skip(1)] };
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            throw new CertificateFileException($"{keyPath} has no private key for the certificate in {certificatePath}: {exception.Message}");
        }
    }

    private static HubCertificates ReadPkcs12(string path, string? passwordPath)
    {
        string? password = passwordPath is null ? null : Read(passwordPath).Split('\n')[0].TrimEnd('\r');
        try
        {
            var all = X509CertificateLoader.LoadPkcs12Collection(File.ReadAllBytes(path), password);
            var own = all.FirstOrDefault(certificate => certificate.HasPrivateKey)
                ?? throw new CertificateFileException($"{path} has no private key");
            return new(own) { Intermediates = [.. all.Where(certificate => !certificate.HasPrivateKey)] };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CertificateFileException($"{path} cannot be read: {exception.Message}");
        }
    }

    private static X509Certificate2Collection ReadAll(string path) => Parse(path, Read(path));

    private static X509Certificate2Collection Parse(string path, string pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException exception)
        {
            throw new CertificateFileException($"{path} is not PEM: {exception.Message}");
        }

        return certificates.Count > 0 ? certificates : throw new CertificateFileException($"{path} has no certificate in PEM");
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CertificateFileException($"{path} cannot be read: {exception.Message}");
        }
    }
}

/// <summary>A certificate's file is not what it should be. The message is for people and names the file.</summary>
internal sealed class CertificateFileException(string message) : Exception(message);
