using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli;
using MessageDelivery.Client;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>TLS as a user meets it: options, files, <c>openssl s_client</c>, the verbs, and what each says when it goes wrong.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
[UnsupportedOSPlatform("windows")]
public sealed class ServeTlsTests : IDisposable
{
    private const int SigHup = 1;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_throw_away_certificate_is_told_and_can_be_pinned()
    {
        await using var hub = await HubProcess.StartAsync("--dev-tls");
        string pin = (await hub.Mds.WaitForErrorAsync("--tls-pin ")).Trim();

        var echo = await hub.RunAsync("echo", "--tls-pin", pin, "hello");
        Assert.Equal((0, "hello\n"), (echo.ExitCode, echo.Text));
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);

        var wrong = await hub.RunAsync("echo", "--tls-pin", "sha256:" + new string('0', 64), "hello");
        Assert.Equal((int)ExitCode.ConnectionFailed, wrong.ExitCode);
        Assert.Contains($"has the fingerprint {pin}, and not the one that is pinned", wrong.Error, StringComparison.Ordinal);
        var untrusted = await hub.RunAsync("echo", "--tls", "hello");
        Assert.Equal((int)ExitCode.ConnectionFailed, untrusted.ExitCode);
        Assert.Contains("is not to be trusted", untrusted.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_verbs_come_in_with_an_authority_a_name_and_a_certificate()
    {
        var (certificate, key, authority) = WriteFiles(TestCertificates.Hub);
        var (own, ownKey, _) = WriteFiles(TestCertificates.Alice, "alice");
        await using var hub = await HubProcess.StartAsync(
            "--tls", "required", "--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", authority);

        string[] with = ["--tls-ca", authority, "--tls-client-cert", own, "--tls-client-key", ownKey];
        var echo = await hub.RunAsync(["echo", .. with, "hello"]);
        Assert.Equal((0, "hello\n", ""), (echo.ExitCode, echo.Text, echo.Error));
        var bench = await hub.RunAsync(["bench", "pairs", .. with, "--duration", "200ms", "--no-progress"]);
        Assert.Equal((0, ""), (bench.ExitCode, bench.Error));

        var none = await hub.RunAsync("echo", "--tls-ca", authority, "hello");
        Assert.Equal((int)ExitCode.Refused, none.ExitCode);
        Assert.Contains("this hub wants a certificate, and none was shown", none.Error, StringComparison.Ordinal);
        var name = await hub.RunAsync(["echo", .. with, "--tls-name", "hub.example", "hello"]);
        Assert.Contains("is not for the name hub.example", name.Error, StringComparison.Ordinal);
        var plain = await hub.RunAsync("echo", "hello");
        Assert.Equal((int)ExitCode.Refused, plain.ExitCode);
        Assert.Contains("this hub speaks TLS only", plain.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_to_a_hub_that_does_not_speak_it_is_told()
    {
        await using var hub = await HubProcess.StartAsync();
        var echo = await hub.RunAsync("echo", "--tls", "hello");
        Assert.Equal((int)ExitCode.ConnectionFailed, echo.ExitCode);
        Assert.Contains("perhaps the hub does not speak it", echo.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_person_comes_in_with_openssl(string version)
    {
        var (certificate, key, authority) = WriteFiles(TestCertificates.Hub);
        await using var hub = await HubProcess.StartAsync("--tls-cert", certificate, "--tls-key", key);

        string said = await OpenSslAsync(
            hub, "identity\necho so be it\nquit\n", version, "-CAfile", authority, "-verify_return_error", "-servername", "localhost", "-verify_hostname", "localhost");

        Assert.Contains("[Server] Your ID is 1\nso be it\n", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renegotiation_is_refused()
    {
        var (certificate, key, authority) = WriteFiles(TestCertificates.Hub);
        await using var hub = await HubProcess.StartAsync("--tls-cert", certificate, "--tls-key", key);

        using var openssl = StartOpenSsl(hub, ["-tls1_2", "-CAfile", authority]);
        await SayAsync(openssl, "identity\n", "[Server] Your ID is 1");
        // A line that begins with R asks for a new handshake.
        await SayAsync(openssl, "R\n", "RENEGOTIATING");
        await openssl.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));

        Assert.NotEqual(0, openssl.ExitCode);
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
    }

    [Fact]
    public async Task Keys_may_be_renewed()
    {
        var (certificate, key, authority) = WriteFiles(TestCertificates.Hub);
        await using var hub = await HubProcess.StartAsync("--tls-cert", certificate, "--tls-key", key);
        using var openssl = StartOpenSsl(hub, ["-tls1_3", "-CAfile", authority]);
        for (int i = 0; i < 3; i++)
        {
            await SayAsync(openssl, "identity\n", "[Server] Your ID is 1");
            // A line that begins with K renews the keys of both sides, one that begins with k only the client's.
            await SayAsync(openssl, i == 1 ? "k\n" : "K\n", "KEYUPDATE");
        }

        await SayAsync(openssl, "identity\n", "[Server] Your ID is 1");
        openssl.Kill();
        await openssl.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Changed_files_are_shown_to_newcomers_and_broken_ones_are_not()
    {
        var (certificate, key, authority) = WriteFiles(TestCertificates.Hub);
        await using var hub = await HubProcess.StartAsync("--tls-cert", certificate, "--tls-key", key);
        await using var client = await ConnectAsync(hub, authority);

        File.WriteAllText(key, "not a key");
        hub.Mds.Signal(SigHup);
        string error = await hub.Mds.WaitForErrorAsync("were not reloaded, and those in use stay: ");
        Assert.Contains(key, error, StringComparison.Ordinal);
        Assert.Equal("CN=hub", await ShownAsync(hub));

        WriteFiles(TestCertificates.SecondHub);
        await hub.Mds.WaitForErrorAsync("The certificate in use is of CN=second hub");
        Assert.Equal("CN=second hub", await ShownAsync(hub));
        using var answer = await client.EchoAsync("still here"u8.ToArray());
        Assert.Equal("still here"u8, answer.Memory.Span);
        Assert.Equal(ConnectionState.Connected, client.ConnectionState);
    }

    [Fact]
    public async Task Pkcs12_with_a_password_in_a_file_is_as_good()
    {
        string archive = Path.Combine(_directory.FullName, "hub.p12"), password = Path.Combine(_directory.FullName, "password");
        File.WriteAllBytes(archive, TestCertificates.Hub.Export(X509ContentType.Pkcs12, "a b c"));
        File.WriteAllText(password, "a b c\n");
        var (_, _, authority) = WriteFiles(TestCertificates.Hub);
        await using var hub = await HubProcess.StartAsync("--tls-pkcs12", archive, "--tls-pkcs12-password-file", password);
        Assert.Equal(0, (await hub.RunAsync("identity", "--tls-ca", authority)).ExitCode);

        File.WriteAllText(password, "another\n");
        var wrong = await MdsProcess.RunAsync("serve", "--port", "0", "--tls-pkcs12", archive, "--tls-pkcs12-password-file", password);
        Assert.Equal((int)ExitCode.Usage, wrong.ExitCode);
        Assert.DoesNotContain("another", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_everybody_may_read_is_warned_of()
    {
        var (certificate, key, _) = WriteFiles(TestCertificates.Hub);
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        await using var hub = await HubProcess.StartAsync("--tls-cert", certificate, "--tls-key", key);
        Assert.Contains("holds a secret", await hub.Mds.WaitForErrorAsync(key), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no certificate", "--tls", "required")]
    [InlineData("exclude each other", "--dev-tls", "--tls-cert", "x")]
    [InlineData("tls-key (from --tls-key) is set without tls-cert", "--tls-key", "x")]
    [InlineData("tls-client-cert (from --tls-client-cert) is required", "--dev-tls", "--tls-client-cert", "required")]
    [InlineData("while tls is off", "--tls", "off", "--tls-client-ca", "x")]
    [InlineData("nowhere.pem cannot be read", "--tls-cert", "nowhere.pem")]
    public async Task What_cannot_be_is_told_before_it_starts(string why, params string[] options)
    {
        var mds = await MdsProcess.RunAsync(["serve", "--port", "0", .. options]);
        Assert.Equal((int)ExitCode.Usage, mds.ExitCode);
        Assert.Contains(why, mds.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_whose_hub_is_not_trusted_does_not_try_again()
    {
        await using var hub = await HubProcess.StartAsync("--dev-tls");
        var options = Options(hub) with { Tls = new() { TargetHost = "localhost" } };

        var error = await Assert.ThrowsAsync<HubTlsException>(async () => await HubClient.ConnectAsync(options));

        Assert.Equal(ReconnectAdvice.No, error.ReconnectAdvice);
        Assert.Throws<ArgumentException>(() => { HubClient.ConnectAsync(options with { Tls = new() { Pin = "sha256:12" } }).AsTask().GetAwaiter().GetResult(); });
    }

    private static HubClientOptions Options(HubProcess hub) => HubClientOptions.Parse($"{hub.Endpoint}");

    private static async Task<HubClient> ConnectAsync(HubProcess hub, string authority)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(authority);
        return await HubClient.ConnectAsync(Options(hub) with { Tls = new() { Authorities = authorities } });
    }

    private static async Task<string> ShownAsync(HubProcess hub)
    {
        await using var connection = await RawConnection.ConnectAsync(hub.Endpoint);
        await connection.SecureAsync(TestCertificates.Client());
        return connection.Tls!.RemoteCertificate!.Subject;
    }

    private static async Task<string> OpenSslAsync(HubProcess hub, string input, string version, params string[] more)
    {
        using var openssl = StartOpenSsl(hub, [version, "-quiet", "-no_ign_eof", .. more]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Task<string> error = openssl.StandardError.ReadToEndAsync(patience.Token);
        await openssl.StandardInput.WriteAsync(input);
        await openssl.StandardInput.FlushAsync(patience.Token);
        // It goes when the hub does, after "quit".
        string output = await openssl.StandardOutput.ReadToEndAsync(patience.Token);
        await openssl.WaitForExitAsync(patience.Token);
        await error;
        return output;
    }

    private static Process StartOpenSsl(HubProcess hub, string[] more) =>
        Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec openssl s_client \"$@\" 2>&1", "openssl", "-connect", $"{hub.Endpoint}", .. more])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    /// <summary>Types a line and reads on until something is said.</summary>
    private static async Task SayAsync(Process openssl, string line, string expected)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await openssl.StandardInput.WriteAsync(line);
        await openssl.StandardInput.FlushAsync(patience.Token);
        string? said;
        do
        {
            said = await openssl.StandardOutput.ReadLineAsync(patience.Token);
            Assert.True(said is not null, $"openssl ended before it said '{expected}'.");
        }
        while (!said.Contains(expected, StringComparison.Ordinal));
    }

    private (string Certificate, string Key, string Authority) WriteFiles(X509Certificate2 certificate, string name = "hub")
    {
        string Path(string end) => System.IO.Path.Combine(_directory.FullName, name + end);
        File.WriteAllText(Path(".pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path(".key"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(Path(".key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.WriteAllText(Path(".ca.pem"), TestCertificates.Authority.ExportCertificatePem());
        return (Path(".pem"), Path(".key"), Path(".ca.pem"));
    }
}
