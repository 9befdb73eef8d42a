using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Cli.Tls;

/// <summary>Certificates and keys from the files that the settings name.</summary>
internal static class CertificateFiles
{
    /// <summary>Makes certificates of all of them, or none.</summary>
    /// <param name="contents">What the files hold.</param>
    /// <exception cref="CertificateFileException">A file cannot be read, or does not hold what it should; the message names it.</exception>
    public static HubCertificates Load(TlsFiles files, FileContents contents)
    {
        var authorities = files.ClientAuthorities is { } path ? Parse(path, Read(contents, path)) : [];
        if (files.IsThrowAway)
        {
            return new(MakeThrowAway()) { ClientAuthorities = authorities };
        }

        var shown = files.Pkcs12 is { } archive ? ReadPkcs12(contents, archive, files.Pkcs12PasswordFile) : ReadPem(contents, files.Certificate!, files.Key);
        return shown with { ClientAuthorities = authorities };
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

    private static HubCertificates ReadPem(FileContents contents, string certificatePath, string? keyPath)
    {
        keyPath ??= certificatePath;
        string pem = Read(contents, certificatePath), key = Read(contents, keyPath);
        var chain = Parse(certificatePath, pem);
        try
        {
            return new(X509Certificate2.CreateFromPem(pem, key)) { Intermediates = [.. chain.Skip(1)] };
        }
        catch (Exception exception) when (IsOfContent(exception))
        {
            throw new CertificateFileException($"{keyPath} has no private key for the certificate in {certificatePath}: {OneLine.WithoutParameter(exception)}");
        }
    }

    private static HubCertificates ReadPkcs12(FileContents contents, string path, string? passwordPath)
    {
        string? password = passwordPath is null ? null : Read(contents, passwordPath).Split('\n')[0].TrimEnd('\r');
        try
        {
            var all = X509CertificateLoader.LoadPkcs12Collection(contents.Of(path), password);
            var own = all.FirstOrDefault(certificate => certificate.HasPrivateKey)
                ?? throw new CertificateFileException($"{path} has no private key");
            return new(own) { Intermediates = [.. all.Where(certificate => !certificate.HasPrivateKey)] };
        }
        catch (Exception exception) when (exception is IOException || IsOfContent(exception))
        {
            string with = passwordPath is null ? "without a password" : $"with the password in {passwordPath}";
            throw new CertificateFileException($"{path} cannot be read {with}: {OneLine.WithoutParameter(exception)}");
        }
    }

    private static X509Certificate2Collection Parse(string path, string pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (Exception exception) when (IsOfContent(exception))
        {
            throw new CertificateFileException($"{path} is not PEM: {OneLine.WithoutParameter(exception)}");
        }

        return certificates.Count > 0 ? certificates : throw new CertificateFileException($"{path} has no certificate in PEM");
    }

    /// <summary>Whether what a file holds may be the cause, rather than a defect.</summary>
    private static bool IsOfContent(Exception exception) =>
        exception is CryptographicException or ArgumentException or FormatException or InvalidOperationException or NotSupportedException;

    private static string Read(FileContents contents, string path)
    {
        try
        {
            return InputFile.Text(contents.Of(path));
        }
        catch (IOException exception)
        {
            throw new CertificateFileException($"{path} cannot be read: {exception.Message}");
        }
    }
}

/// <summary>A certificate's file is not what it should be. The message is for people and names the file.</summary>
internal sealed class CertificateFileException(string message) : Exception(message);
