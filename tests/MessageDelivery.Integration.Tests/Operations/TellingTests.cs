using System.Runtime.Versioning;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>What a hub and its verbs say: where something is wrong, and what has changed.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
[UnsupportedOSPlatform("windows")]
public sealed class TellingTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");
    private readonly Tokens _tokens = new();

    public void Dispose()
    {
        _tokens.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task Paths_in_a_file_of_settings_begin_where_that_file_is()
    {
        _tokens.Add("alice");
        string folder = Path.Combine(_directory.FullName, "etc");
        Directory.CreateDirectory(Path.Combine(folder, "log"));
        File.Copy(_tokens.Path, Path.Combine(folder, "tokens.json"));
        string config = Write("etc/mds.json", """{ "port": 0, "auth": "token", "authTokens": "tokens.json", "auditLog": "log/audit.log" }""");
        await using (await HubProcess.StartAsync(["serve", "--config", config], null, _directory.FullName))
        {
            Assert.True(File.Exists(Path.Combine(folder, "log/audit.log")));
        }

        await using (await HubProcess.StartAsync(["serve", "--config", "etc/mds.json"], null, _directory.FullName))
        {
            // So is a path of its own that is not absolute.
        }

        var shown = await MdsProcess.RunAsync(["check-config", "--config", config], []);
        Assert.Contains(Path.Combine(folder, "tokens.json"), shown.Text, StringComparison.Ordinal);
        var none = await MdsProcess.RunAsync(["check-config", "--config", Write("etc/none.json", """{ "auditLog": "none" }""")], []);
        Assert.Equal(0, none.ExitCode);
    }

    [Theory]
    [InlineData("""{ "jwtIssuer": "me", "jwtKeys": "k" }""", "jwt-keys (from jwtKeys in FILE) and jwt-issuer (from jwtIssuer in FILE) are set, which only --auth jwt uses")]
    [InlineData("""{ "jwtIssuer": "me" }""", "jwt-issuer (from jwtIssuer in FILE) is set, which only --auth jwt uses")]
    [InlineData("""{ "authTokens": "x" }""", "auth-tokens (from authTokens in FILE) is set, which only --auth token uses")]
    [InlineData("""{ "tlsKey": "x" }""", "tls-key (from tlsKey in FILE) is set without tls-cert")]
    [InlineData("""{ "tlsCert": "x", "tlsPkcs12": "y" }""", "tls-cert (from tlsCert in FILE) and tls-pkcs12 (from tlsPkcs12 in FILE) exclude each other")]
    [InlineData("""{ "tls": "required" }""", "tls (from tls in FILE) is required, and there is no certificate")]
    [InlineData("""{ "auth": "jwt" }""", "auth (from auth in FILE) is jwt: ")]
    [InlineData("""{ "listen": ["0.0.0.0:1"] }""", "listen (from listen in FILE) names 0.0.0.0:1, which is not a loopback address")]
    public async Task Settings_that_do_not_go_together_are_told_with_their_places(string json, string error)
    {
        string config = Write("mds.json", json);
        var result = await MdsProcess.RunAsync("serve", "--config", config);
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.StartsWith($"mds: {error.Replace("FILE", config, StringComparison.Ordinal)}", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_tells_that_tokens_have_changed_and_that_nothing_has()
    {
        _tokens.Add("alice");
        _tokens.Add("bob");
        await using var hub = await ReloadedHub.StartAsync(["--port", "0", "--auth", "token", "--auth-tokens", _tokens.Path]);
        Assert.Contains("Reloaded; changed: no setting that takes effect without a restart, and no file", await hub.ReloadAsync(), StringComparison.Ordinal);
        TokenFile.Remove(_tokens.Path, "bob");
        Assert.Contains("Reloaded; changed: the tokens in auth-tokens", await hub.ReloadAsync(), StringComparison.Ordinal);
        Assert.Contains("Reloaded; changed: no setting", await hub.ReloadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_is_left_out_is_a_warning_at_start_and_at_a_reload()
    {
        using var jwt = new Jwt();
        string keys = jwt.Write("keys", jwt.Jwks().Replace("[", """[{"kty":"RSA","n":"","e":""},""", StringComparison.Ordinal));
        await using var hub = await ReloadedHub.StartAsync(
            ["--port", "0", "--auth", "jwt", "--jwt-issuer", Jwt.Issuer, "--jwt-audience", Jwt.Audience, "--jwt-keys", keys]);
        string warning = $"A key is not used: {keys}: key 1: an RSA key whose modulus or exponent is empty or even";
        await hub.Hub.Mds.WaitForErrorAsync(warning);
        Assert.Contains(warning, await hub.ReloadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_is_refused_is_told()
    {
        string certificate = Write("hub.pem", TestCertificates.Hub.ExportCertificatePem());
        string key = Write("hub.key", TestCertificates.Hub.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        string authority = Write("ca.pem", TestCertificates.Authority.ExportCertificatePem());
        await using var hub = await HubProcess.StartAsync("--tls", "required", "--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", authority);
        var none = await hub.RunAsync("identity", "--tls-ca", authority);
        Assert.Equal((int)ExitCode.Refused, none.ExitCode);
        Assert.Contains("none was shown", await hub.Mds.WaitForErrorAsync("is refused: "), StringComparison.Ordinal);

        // Of each second the first one is told.
        string wrong = Write("mallory.pem", TestCertificates.Mallory.ExportCertificatePem());
        string wrongKey = Write("mallory.key", TestCertificates.Mallory.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        while (!hub.Mds.Error.Contains("CN=mallory", StringComparison.Ordinal))
        {
            var refused = await hub.RunAsync("identity", "--tls-ca", authority, "--tls-client-cert", wrong, "--tls-client-key", wrongKey);
            Assert.NotEqual(0, refused.ExitCode);
        }
    }

    [Fact]
    public async Task The_example_in_the_help_of_mds_token_works_whatever_the_umask()
    {
        await using var add = MdsProcess.Start(
            ["token", "add", "alice", "--file", "tokens.json", "--out", "alice.token"], directory: _directory.FullName, shell: $"umask 022 && {MdsProcess.Exec}");
        Assert.Equal((0, ""), ((await add.EndAsync()).ExitCode, add.Error));
        string token = Path.Combine(_directory.FullName, "alice.token"), file = Path.Combine(_directory.FullName, "tokens.json");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(token));
        await using var hub = await HubProcess.StartAsync("--auth", "token", "--auth-tokens", file);
        Assert.Equal(0, (await hub.RunAsync("identity", "--token-file", token)).ExitCode);

        // Not over a file that is there, and then no token is added either.
        var again = await MdsProcess.RunAsync(["token", "add", "bob", "--file", file, "--out", token], []);
        Assert.Equal((int)ExitCode.InputOutput, again.ExitCode);
        Assert.StartsWith($"mds: --out {token} cannot be written: ", again.Error, StringComparison.Ordinal);
        Assert.Single(TokenFile.Load(file).Tokens);

        // What is in use already leaves no file.
        var twice = await MdsProcess.RunAsync(["token", "add", "alice", "--file", file, "--out", $"{token}.2"], []);
        Assert.Equal((int)ExitCode.Usage, twice.ExitCode);
        Assert.False(File.Exists($"{token}.2"));
    }

    [Fact]
    public async Task Every_example_of_the_manual_for_token_files_is_one_that_works_with_the_usual_umask()
    {
        string manual = await File.ReadAllTextAsync(Repository.File("docs/operations.md"), TestContext.Current.CancellationToken);
        Assert.DoesNotContain(manual.Split('\n'), line => line.Contains("mds token add", StringComparison.Ordinal) && line.Contains('>', StringComparison.Ordinal));
    }

    [Fact]
    public void No_line_of_the_log_counts_in_a_way_that_is_wrong_for_one()
    {
        string root = Path.GetDirectoryName(Repository.File("MessageDelivery.slnx"))!;
        var counted = new System.Text.RegularExpressions.Regex(@"LoggerMessage\(.*\{\w+\} (users|connections|tokens|sockets|events|keys|variables|lines|files|sessions|threads)\b");
        Assert.Empty(
            from file in Directory.EnumerateFiles(Path.Combine(root, "src"), "*.cs", SearchOption.AllDirectories)
            from line in File.ReadLines(file)
            where counted.IsMatch(line)
            select line.Trim());
    }

    [Fact]
    public async Task Memory_is_told_as_a_person_reads_it()
    {
        await using var hub = await HubProcess.StartAsync("--memory-limit", "100000000");
        Assert.StartsWith("95.4MiB (100000000 bytes); connections: ", await hub.Mds.WaitForErrorAsync("Memory for messages: "), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--tls-pin is 'x': it must be sha256: and 64 hexadecimal digits", "--tls-pin", "x")]
    [InlineData("--tls-ca /nowhere/ca.pem cannot be used: No such file or directory", "--tls-ca", "/nowhere/ca.pem")]
    [InlineData("--tls-ca / cannot be used: Is a directory", "--tls-ca", "/")]
    [InlineData("--tls-client-cert /dev/null cannot be used: ", "--tls-client-cert", "/dev/null")]
    [InlineData("--token-file / cannot be", "--token-file", "/")]
    public async Task What_a_client_verb_cannot_use_is_told_with_its_option(string error, params string[] options)
    {
        var result = await MdsProcess.RunAsync(["echo", .. options, "hello"]);
        Assert.StartsWith($"mds: {error}", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("(Parameter", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
    }

    [Fact]
    public async Task A_WELCOME_that_is_too_long_is_told_as_that()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        await using var echo = MdsProcess.Start(["echo", "--hub", $"{listener.LocalEndpoint}", "hello"]);
        using var connection = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await connection.GetStream().WriteAsync(new byte[] { 0x81, 0, 1, 0, 0xa0, 0x86, 1, 0 }, TestContext.Current.CancellationToken);
        Assert.Contains("the hub's WELCOME declares 100000 bytes; the limit is ", (await echo.EndAsync()).Error, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_directory.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        Modes.Set(path, 0b110_000_000);
        return path;
    }
}
