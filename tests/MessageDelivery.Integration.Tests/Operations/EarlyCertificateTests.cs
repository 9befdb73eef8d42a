using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Tls;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>Certificates that are replaced while a hub starts: between being read and being watched.</summary>
public sealed class EarlyCertificateTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task They_are_noticed_and_shown()
    {
        var files = Show(TestCertificates.Hub);
        var (tls, fingerprint) = CertificateReloading.Load(files);
        Show(TestCertificates.SecondHub);
        await using var hub = new MessageHub(new() { Listen = [new(System.Net.IPAddress.Loopback, 0)], Tls = tls });
        await hub.StartAsync(TestContext.Current.CancellationToken);
        await using var reloading = new CertificateReloading(files, fingerprint, hub, NullLogger.Instance);
        reloading.Start();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        string shown;
        do
        {
            await Task.Delay(20, patience.Token);
            await using var connection = await (await RawConnection.ConnectAsync(hub.Endpoints[0])).SecureAsync(TestCertificates.Client());
            shown = connection.Tls!.RemoteCertificate!.Subject;
        }
        while (shown != "CN=second hub");
    }

    private TlsFiles Show(X509Certificate2 certificate)
    {
        var (file, key) = (Path.Combine(_directory.FullName, "hub.pem"), Path.Combine(_directory.FullName, "hub.key"));
        File.WriteAllText(file, certificate.ExportCertificatePem());
        File.WriteAllText(key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Modes.Set(key, 0b110_000_000);
        return new() { Certificate = file, Key = key };
    }
}
