using MessageDelivery.Cli;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>Who may read the metrics.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class AdminTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mds-admin").FullName;

    private string AdminFile => Path.Combine(_folder, "admin.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(200)]
    [InlineData(403, "X-Forwarded-For: 192.0.2.7")]
    [InlineData(403, "X-Forwarded-For: 127.0.0.1")]
    [InlineData(403, "x-forwarded-for:")]
    [InlineData(403, "Forwarded: for=192.0.2.7")]
    [InlineData(403, "Via: 1.1 proxy")]
    [InlineData(200, "Authorization: Bearer whatever")]
    public async Task On_a_hub_for_this_machine_whoever_comes_from_it_and_through_no_proxy(int status, params string[] headers)
    {
        await using var hub = await HubProcess.StartAsync();
        var reply = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", headers));
        Assert.Equal(status, reply.Status);
        Assert.Equal(status != 200, reply.Body.Contains("--admin-token-file", StringComparison.Ordinal));
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/healthz", headers))).Status);
    }

    [Theory]
    [InlineData("--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--allow-anonymous")]
    [InlineData("--listen", "127.0.0.1:0", "--trusted-proxy", "192.0.2.0/24")]
    public async Task On_another_hub_nobody_without_a_token(params string[] options)
    {
        await using var hub = await HubProcess.StartAsync(["serve", .. options], null);
        var reply = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics"));
        Assert.Equal(403, reply.Status);
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/healthz"))).Status);
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/"))).Status);
    }

    [Fact]
    public async Task A_token_is_good_anywhere_and_a_wrong_one_nowhere()
    {
        string secret = await MakeAdminAsync();
        string[] wrong =
        [
            "Authorization: Bearer mds_wrong", $"Authorization: Bearer {secret}x", $"Authorization: Bearer {secret[..^1]}", "Authorization: Bearer", "Authorization: Bearer  ",
            $"Authorization: Basic {secret}", $"Authorization: {secret}", $"Authorization: Bearer {secret}\r\nAuthorization: Bearer {secret}", $"Authorization: Bearer {secret}, Bearer {secret}",
        ];
        foreach (string[] listen in (string[][])[["--listen", "127.0.0.1:0"], ["--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--allow-anonymous"]])
        {
            await using var hub = await HubProcess.StartAsync(["serve", .. listen, "--admin-token-file", AdminFile], null);
            Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", $"Authorization: Bearer {secret}"))).Status);
            Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", $"authorization: bearer {secret}", "X-Forwarded-For: 192.0.2.7"))).Status);
            foreach (string header in wrong)
            {
                await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
                await connection.SendAsync(RawHttp.Get("/metrics", header));
                var reply = await connection.ReceiveAsync();
                Assert.Equal((401, "Bearer realm=\"mds\", error=\"invalid_token\""), (reply.Status, reply.Header("WWW-Authenticate")));
                Assert.DoesNotContain(secret[4..20], reply.Body, StringComparison.Ordinal);

                // A guess costs its connection.
                await connection.ExpectEndAsync();
            }

            var without = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", "Via: 1.1 proxy"));
            Assert.Equal((401, "Bearer realm=\"mds\""), (without.Status, without.Header("WWW-Authenticate")));
            await hub.Mds.WaitForErrorAsync("is refused for /metrics: the token is not one that this hub knows; refused since this was last said, with this one: ");
            Assert.DoesNotContain(secret[4..20], hub.Mds.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Metrics_may_be_open_or_not_there()
    {
        await using (var open = await HubProcess.StartAsync("--metrics", "open"))
        {
            Assert.Equal(200, (await RawHttp.AskAsync(open.Endpoint, RawHttp.Get("/metrics", "X-Forwarded-For: 192.0.2.7"))).Status);
        }

        await using var off = await HubProcess.StartAsync("--metrics", "off");
        Assert.Equal(404, (await RawHttp.AskAsync(off.Endpoint, RawHttp.Get("/metrics"))).Status);
    }

    [Fact]
    public async Task A_reload_lets_new_tokens_in_and_old_ones_out_also_on_connections_that_stand()
    {
        string first = await MakeAdminAsync("first");
        await using var hub = await HubProcess.StartAsync("--admin-token-file", AdminFile);
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
        await connection.SendAsync(RawHttp.Get("/metrics", $"Authorization: Bearer {first}"));
        Assert.Equal(200, (await connection.ReceiveAsync()).Status);

        string second = await MakeAdminAsync("second");
        Assert.Equal(0, (await MdsProcess.RunAsync("token", "remove", "first", "--file", AdminFile)).ExitCode);
        hub.Mds.Signal(MdsProcess.SigHup);
        Assert.Equal("the tokens in admin-token-file", await hub.Mds.WaitForErrorAsync("Reloaded; changed: "));
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", $"Authorization: Bearer {second}"))).Status);
        await connection.SendAsync(RawHttp.Get("/metrics", $"Authorization: Bearer {first}"));
        Assert.Equal(401, (await connection.ReceiveAsync()).Status);

        await File.WriteAllTextAsync(AdminFile, "{");
        hub.Mds.Signal(MdsProcess.SigHup);
        await hub.Mds.WaitForErrorAsync("Not reloaded, everything stays as it was: ");
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", $"Authorization: Bearer {second}"))).Status);
    }

    [Fact]
    public async Task An_expired_token_is_refused()
    {
        using var tokens = new Tokens();
        string secret = tokens.Add("alice", token => token with { IsAdmin = true, Expires = DateTimeOffset.UtcNow.AddSeconds(-1) });
        await using var hub = await HubProcess.StartAsync("--admin-token-file", tokens.Path);
        var reply = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/metrics", $"Authorization: Bearer {secret}"));
        Assert.Equal((401, "the token has expired\n"), (reply.Status, reply.Body));
    }

    [Fact]
    public async Task Users_and_administrators_have_files_of_their_own()
    {
        using var users = new Tokens();
        users.Add("alice");
        await MakeAdminAsync();
        foreach (var (options, says) in new[]
        {
            (new[] { "--admin-token-file", users.Path }, $"{users.Path} has 'alice', which is a user's token and no administrator's"),
            (["--auth", "token", "--auth-tokens", AdminFile], $"{AdminFile} has 'admin', which is an administrator's token and no user's"),
            (["--admin-token-file", "/nowhere/admin.json"], "/nowhere/admin.json cannot be read"),
        })
        {
            foreach (string verb in (string[])["serve", "check-config"])
            {
                var result = await MdsProcess.RunAsync([verb, "--port", "0", .. options], []);
                Assert.Equal((int)ExitCode.Usage, result.ExitCode);
                Assert.Contains(says, result.Error, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task The_file_is_for_its_owner_and_holds_a_hash()
    {
        string secret = await MakeAdminAsync();
        Assert.StartsWith("mds_", secret, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, await File.ReadAllTextAsync(AdminFile), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(AdminFile));
        }

        var listed = await MdsProcess.RunAsync("token", "list", "--file", AdminFile);
        Assert.Contains("administers", listed.Text, StringComparison.Ordinal);
        Modes.Set(AdminFile, 0b110_100_100);
        var open = await MdsProcess.RunAsync("serve", "--port", "0", "--admin-token-file", AdminFile);
        Assert.Contains("chmod 600", open.Error, StringComparison.Ordinal);
    }

    private async Task<string> MakeAdminAsync(params string[] name)
    {
        var made = await MdsProcess.RunAsync(["token", "admin", .. name, "--file", AdminFile], []);
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        return made.Text.Trim();
    }
}
