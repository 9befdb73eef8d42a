using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>SIGHUP to <c>mds serve --auth token</c>: who is let in, and what is shown, changes at once or not at all; and what the audit says.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
[UnsupportedOSPlatform("windows")]
public sealed class AuthReloadTests : IDisposable
{
    private const int SigHup = 1;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");
    private readonly Tokens _tokens = new();

    private string AuditFile => Path.Combine(_directory.FullName, "audit.log");

    public void Dispose()
    {
        _tokens.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_token_taken_out_is_out_one_put_in_is_in_and_the_audit_tells_who()
    {
        string alice = _tokens.Add("alice"), bob = _tokens.Add("bob");
        await using var hub = await StartAsync();
        await using var program = await (await ConnectAsync(hub)).HelloAsync(alice);
        await using var person = await (await ConnectAsync(hub)).IdentifyAsync(alice);
        await using var stays = await (await ConnectAsync(hub)).IdentifyAsync(bob);
        TokenFile.Remove(_tokens.Path, "alice");
        string carol = _tokens.Add("carol");
        await using var early = await ConnectAsync(hub);
        await early.SendAsync(Frames.Hello(carol));
        await early.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);

        hub.Mds.Signal(SigHup);
        await program.ExpectGoodbyeAsync(ProtocolCode.Removed);
        await person.ErrorLineAsync("removed");
        await Task.WhenAll(program.ExpectClosedAsync(), person.ExpectClosedAsync());
        await hub.Mds.WaitForErrorAsync("Reloaded;");
        await using var late = await ConnectAsync(hub);
        await late.SendAsync($"auth {alice}\n");
        await late.ErrorLineAsync("auth_failed");
        await late.ExpectClosedAsync();
        await using var newcomer = await (await ConnectAsync(hub)).HelloAsync(carol);
        await ExpectServedAsync(stays);

        await Task.WhenAll(newcomer.DisposeAsync().AsTask(), stays.DisposeAsync().AsTask());
        var lines = await StopAsync(hub);
        Assert.Equal(["alice", "alice", "bob", "carol"], Subjects(lines, "authenticated"));
        Assert.Equal(["alice", "alice"], Subjects(lines, "removed"));
        Assert.All(lines.Where(line => Event(line) == "removed"), line => Assert.Equal("removed", line.GetProperty("reason").GetString()));
        var refused = lines.Where(line => Event(line) == "refused").ToList();
        Assert.Equal(["auth_failed", "auth_failed"], refused.Select(line => line.GetProperty("reason").GetString()));
        Assert.All(refused, line => Assert.False(line.TryGetProperty("user_id", out _)));
        string all = File.ReadAllText(AuditFile) + hub.Mds.Error;
        Assert.All((string[])[alice, bob, carol], secret => Assert.DoesNotContain(secret, all, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    [InlineData(null)]
    public async Task A_broken_file_changes_nothing(string? content)
    {
        string alice = _tokens.Add("alice");
        await using var hub = await StartAsync();
        await using var user = await (await ConnectAsync(hub)).IdentifyAsync(alice);
        if (content is null)
        {
            File.Delete(_tokens.Path);
        }
        else
        {
            File.WriteAllText(_tokens.Path, content);
        }

        hub.Mds.Signal(SigHup);
        Assert.Contains(_tokens.Path, await hub.Mds.WaitForErrorAsync("Not reloaded, everything stays as it was: "), StringComparison.Ordinal);
        await ExpectServedAsync(user);
        await using var another = await (await ConnectAsync(hub)).HelloAsync(alice);
        await using var stranger = await ConnectAsync(hub);
        await stranger.SendAsync(Frames.Hello("mds_wrong"));
        await stranger.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
    }

    [Fact]
    public async Task Tokens_and_certificates_change_together_or_not_at_all_and_who_is_in_stays()
    {
        string alice = _tokens.Add("alice");
        var (certificate, key) = Show(TestCertificates.Hub);
        await using var hub = await StartAsync("--tls", "required", "--tls-cert", certificate, "--tls-key", key);
        await using var program = await (await SecureAsync(hub, "CN=hub")).HelloAsync(alice);
        await using var person = await (await SecureAsync(hub, "CN=hub")).IdentifyAsync(alice);
        string good = File.ReadAllText(_tokens.Path);

        Show(TestCertificates.SecondHub);
        File.WriteAllText(_tokens.Path, "{");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("Not reloaded, everything stays as it was: ");
        await using var between = await (await SecureAsync(hub, "CN=hub")).HelloAsync(alice);

        File.WriteAllText(_tokens.Path, good);
        string bob = _tokens.Add("bob");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("Reloaded;");
        await using var newcomer = await (await SecureAsync(hub, "CN=second hub")).IdentifyAsync(bob);
        await ExpectServedAsync(person);
        await program.SendAsync(Frames.Relay(person.UserId, "still here\n"u8.ToArray()));
        await person.ExpectLinesAsync("still here");
    }

    private static async Task ExpectServedAsync(RawConnection person)
    {
        await person.SendAsync("echo still here\n");
        await person.ExpectLinesAsync("still here");
    }

    private static Task<RawConnection> ConnectAsync(HubProcess hub) => RawConnection.ConnectAsync(hub.Endpoint);

    private static async Task<RawConnection> SecureAsync(HubProcess hub, string shown)
    {
        var connection = await (await ConnectAsync(hub)).SecureAsync(TestCertificates.Client());
        Assert.Equal(shown, connection.Tls!.RemoteCertificate!.Subject);
        return connection;
    }

    private static string Event(JsonElement line) => line.GetProperty("event").GetString()!;

    private static IEnumerable<string?> Subjects(IEnumerable<JsonElement> lines, string happened) =>
        lines.Where(line => Event(line) == happened).Select(line => line.GetProperty("subject").GetString());

    private Task<HubProcess> StartAsync(params string[] options) =>
        HubProcess.StartAsync(["--auth", "token", "--auth-tokens", _tokens.Path, "--audit-log", AuditFile, .. options]);

    private (string Certificate, string Key) Show(X509Certificate2 certificate)
    {
        var (file, key) = (Path.Combine(_directory.FullName, "hub.pem"), Path.Combine(_directory.FullName, "hub.key"));
        File.WriteAllText(file, certificate.ExportCertificatePem());
        File.WriteAllText(key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return (file, key);
    }

    /// <summary>Stops the hub and reads what it has written.</summary>
    private async Task<List<JsonElement>> StopAsync(HubProcess hub)
    {
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
        return [.. File.ReadLines(AuditFile).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
