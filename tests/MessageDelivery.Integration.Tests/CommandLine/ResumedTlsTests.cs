using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>
/// Sessions of TLS that another implementation keeps in a file and comes back with: <c>openssl s_client -sess_out</c> and <c>-sess_in</c>.
/// Who is let in is asked each time.
/// </summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
[UnsupportedOSPlatform("windows")]
public sealed class ResumedTlsTests : IDisposable
{
    private const string LetIn = "[Server] Your ID is ";
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");
    private readonly Tokens _tokens = new();

    private string Session => File("session.pem");

    public void Dispose()
    {
        _tokens.Dispose();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_session_goes_on_until_the_hub_shows_another_certificate(string version)
    {
        await using var hub = await HubProcess.StartAsync(Show(TestCertificates.Hub));
        await ExpectAsync(hub, "identity\n", LetIn, resumed: false, version, "-sess_out", Session);
        await ExpectAsync(hub, "identity\n", LetIn, resumed: true, version, "-sess_in", Session);

        Show(TestCertificates.SecondHub);
        hub.Mds.Signal(MdsProcess.SigHup);
        await hub.Mds.WaitForErrorAsync("The certificate in use is of CN=second hub");
        await ExpectAsync(hub, "identity\n", LetIn, resumed: false, version, "-sess_in", Session);
    }

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task An_authority_that_was_taken_away_lets_nobody_in_by_a_session_of_before(string version)
    {
        string authority = Write("ca.pem", TestCertificates.Authority.ExportCertificatePem());
        string[] own = ["-cert", Write("alice.pem", TestCertificates.Alice.ExportCertificatePem()), "-key", WriteKey("alice.key", TestCertificates.Alice)];
        await using var hub = await HubProcess.StartAsync([.. Show(TestCertificates.Hub), "--tls-client-ca", authority]);
        await ExpectAsync(hub, "identity\n", LetIn, resumed: false, [version, .. own, "-sess_out", Session]);
        await ExpectAsync(hub, "identity\n", LetIn, resumed: true, [version, .. own, "-sess_in", Session]);

        Write("ca.pem", TestCertificates.OtherAuthority.ExportCertificatePem());
        hub.Mds.Signal(MdsProcess.SigHup);
        await hub.Mds.WaitForErrorAsync("Reloaded");
        await ExpectAsync(hub, "identity\n", "the certificate of CN=alice does not hold", resumed: true, [version, .. own, "-sess_in", Session]);
    }

    [Fact]
    public async Task A_token_that_was_taken_away_lets_nobody_in_by_a_session_of_before()
    {
        string alice = _tokens.Add("alice");
        await using var hub = await HubProcess.StartAsync([.. Show(TestCertificates.Hub), "--auth", "token", "--auth-tokens", _tokens.Path]);
        await ExpectAsync(hub, $"auth {alice}\n", LetIn, resumed: false, "-tls1_3", "-sess_out", Session);
        await ExpectAsync(hub, $"auth {alice}\n", LetIn, resumed: true, "-tls1_3", "-sess_in", Session);
        await ExpectAsync(hub, "identity\n", "auth_required", resumed: true, "-tls1_3", "-sess_in", Session);

        TokenFile.Remove(_tokens.Path, "alice");
        hub.Mds.Signal(MdsProcess.SigHup);
        await hub.Mds.WaitForErrorAsync("Reloaded");
        await ExpectAsync(hub, $"auth {alice}\n", "auth_failed", resumed: true, "-tls1_3", "-sess_in", Session);
    }

    /// <summary>Comes, says something and goes.</summary>
    /// <param name="answer">A part of what the hub answers.</param>
    /// <param name="resumed">Whether a session of before goes on.</param>
    private static async Task ExpectAsync(HubProcess hub, string words, string answer, bool resumed, params string[] options)
    {
        using var openssl = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec openssl s_client \"$@\" 2>&1", "openssl", "-connect", $"{hub.Endpoint}", .. options])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await openssl.StandardInput.WriteAsync($"{words}quit\n");
        await openssl.StandardInput.FlushAsync(patience.Token);
        // It goes when the hub does.
        string output = await openssl.StandardOutput.ReadToEndAsync(patience.Token);
        await openssl.WaitForExitAsync(patience.Token);

        Assert.Contains(answer, output, StringComparison.Ordinal);
        Assert.Contains(resumed ? "\nReused, TLSv1." : "\nNew, TLSv1.", output, StringComparison.Ordinal);
    }

    private string[] Show(X509Certificate2 certificate) =>
        ["--tls-cert", Write("hub.pem", certificate.ExportCertificatePem()), "--tls-key", WriteKey("hub.key", certificate)];

    private string WriteKey(string name, X509Certificate2 certificate)
    {
        string file = Write(name, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        System.IO.File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    private string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    private string File(string name) => Path.Combine(_directory.FullName, name);
}
