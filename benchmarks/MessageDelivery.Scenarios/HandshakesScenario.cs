using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios;

/// <summary>Users who come, say HELLO, get their WELCOME and go: what each costs the hub, in the clear and in TLS, with a session of before and without.</summary>
internal sealed class HandshakesScenario(int seconds, int atOnce)
{
    private static readonly byte[] Hello = FrameBytes.Hello();
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    private readonly Report _report = new("handshakes", string.Create(CultureInfo.InvariantCulture, $"--seconds {seconds} --at-once {atOnce}"));
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds-handshakes");

    public static Command Command()
    {
        var seconds = Quantity.Option("--seconds", "5", "How long to measure each kind.");
        var atOnce = Quantity.Option("--at-once", "8", "Users who come at one time.");
        var command = new Command("handshakes", "Users who come and go, in the clear and in TLS, with a session of before and without.") { seconds, atOnce };
        command.SetAction((arguments, _) =>
            new HandshakesScenario((int)arguments.GetValue(seconds), (int)arguments.GetValue(atOnce)).RunAsync());
        return command;
    }

    private async Task<int> RunAsync()
    {
        using var ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        bool all = true;
        foreach (var (name, request, key, protocol, resumes) in ((string, CertificateRequest, AsymmetricAlgorithm, SslProtocols, bool)[])
        [
            ("plain", new("CN=localhost", ec, HashAlgorithmName.SHA256), ec, SslProtocols.None, false),
            ("TLS 1.3, ECDSA P-256", new("CN=localhost", ec, HashAlgorithmName.SHA256), ec, SslProtocols.Tls13, false),
            ("TLS 1.3, ECDSA P-256, resumed", new("CN=localhost", ec, HashAlgorithmName.SHA256), ec, SslProtocols.Tls13, true),
            ("TLS 1.2, ECDSA P-256", new("CN=localhost", ec, HashAlgorithmName.SHA256), ec, SslProtocols.Tls12, false),
            ("TLS 1.2, ECDSA P-256, resumed", new("CN=localhost", ec, HashAlgorithmName.SHA256), ec, SslProtocols.Tls12, true),
            ("TLS 1.3, RSA 2048", new("CN=localhost", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), rsa, SslProtocols.Tls13, false),
            ("TLS 1.3, RSA 2048, resumed", new("CN=localhost", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), rsa, SslProtocols.Tls13, true),
        ])
        {
            all &= await MeasureAsync(name, request, key, protocol, resumes);
        }

        _directory.Delete(recursive: true);
        _report.Check(all, "everybody was let in, and the hub stopped in order");
        return _report.Print();
    }

    private async Task<bool> MeasureAsync(string name, CertificateRequest request, AsymmetricAlgorithm key, SslProtocols protocol, bool resumes)
    {
        using var hub = await HubProcess.StartAsync("--tls-cert", await Certificates.WriteAsync(_directory, request, key), "--log-level", "error");
        await ComeAndGoAsync(hub, protocol, resumes, WarmUp);
        var before = hub.ProcessorTime;
        var clock = Stopwatch.StartNew();
        long users = await ComeAndGoAsync(hub, protocol, resumes, TimeSpan.FromSeconds(seconds));
        double elapsed = clock.Elapsed.TotalSeconds;
        double used = (hub.ProcessorTime - before).TotalSeconds;
        _report.Row($"{name}: a second, the hub's µs for each, a second and core", string.Create(
            CultureInfo.InvariantCulture, $"{users / elapsed:N0}, {used * 1e6 / users:N0}, {users / used:N0}"));
        return users > 0 && await hub.StopAsync() == 0;
    }

    private async Task<long> ComeAndGoAsync(HubProcess hub, SslProtocols protocol, bool resumes, TimeSpan time)
    {
        long users = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                await ComeAsync(hub, protocol, resumes);
                Interlocked.Increment(ref users);
            }
        })));
        return users;
    }

    private static async Task ComeAsync(HubProcess hub, SslProtocols protocol, bool resumes)
    {
        using var wire = await WireConnection.ConnectAsync(hub.Endpoint);
        if (protocol != SslProtocols.None)
        {
            var options = WireConnection.TrustAnybody("localhost");
            (options.EnabledSslProtocols, options.AllowTlsResume) = (protocol, resumes);
            await wire.SecureAsync(options);
        }

        await wire.SendAsync(Hello);
        await wire.ReceiveFrameAsync();
    }
}
