using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Scenarios;

/// <summary>Certificates for hubs that are measured.</summary>
internal static class Certificates
{
    /// <summary>Writes one for localhost, of ECDSA P-256, and its key; the file.</summary>
    public static async Task<string> WriteAsync(DirectoryInfo directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return await WriteAsync(directory, new("CN=localhost", key, HashAlgorithmName.SHA256), key);
    }

    /// <summary>Writes one that signs itself, and its key; the file.</summary>
    public static async Task<string> WriteAsync(DirectoryInfo directory, CertificateRequest request, AsymmetricAlgorithm key)
    {
        string file = Path.Combine(directory.FullName, "hub.pem");
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(file, $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
        return file;
    }
}
