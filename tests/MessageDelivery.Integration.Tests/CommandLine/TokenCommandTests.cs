using MessageDelivery.Cli;
using MessageDelivery.Integration.Tests.Access;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds token</c>, <c>mds serve --auth</c> and client verbs with a token, as processes.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class TokenCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mds-token").FullName;

    private string File => Path.Combine(_folder, "tokens.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("mkdir \"$0\"")]
    [InlineData("mkfifo \"$0\"")]
    [InlineData("ln -s /dev/null \"$0\"")]
    public async Task What_is_no_file_is_not_replaced_by_one(string make)
    {
        string file = Path.Combine(Path.GetTempPath(), $"mds-{Guid.NewGuid():N}");
        try
        {
            using (var shell = System.Diagnostics.Process.Start("/bin/sh", ["-c", make, file]))
            {
                await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
            }

            foreach (string verb in (string[])["add", "remove"])
            {
                var result = await MdsProcess.RunAsync("token", verb, "alice", "--file", file);
                Assert.Equal((2, $"mds: {file} is no file that could hold tokens, but a folder, a pipe or a device\n"), (result.ExitCode, result.Error));
            }
        }
        finally
        {
            using var shell = System.Diagnostics.Process.Start("/bin/sh", ["-c", "rm -rf \"$0\"", file]);
            await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_token_goes_from_the_file_to_the_hub_and_lets_verbs_in()
    {
        string secret = await AddAsync("alice");
        string other = await AddAsync("sensor", "--may-not-list", "--reach", "group", "--group", "plant", "--expires", "30d");
        string listed = (await MdsProcess.RunAsync("token", "list", "--file", File)).Text;
        Assert.Contains("alice\t", listed, StringComparison.Ordinal);
        Assert.Contains("may not list, reaches its group, group plant", listed, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, await System.IO.File.ReadAllTextAsync(File), StringComparison.Ordinal);

        await using var hub = await HubProcess.StartAsync("--auth", "token", "--auth-tokens", File);
        Assert.Equal((0, "1\n"), await IdentityAsync(hub, secret));
        string file = Path.Combine(_folder, "alice.token");
        await System.IO.File.WriteAllTextAsync(file, secret + "\n");
        Modes.Set(file, 0b110_100_100);
        var open = await hub.RunAsync("identity", "--token-file", file);
        Assert.Equal(((int)ExitCode.Usage, true), (open.ExitCode, open.Error.Contains("chmod 600", StringComparison.Ordinal)));
        Modes.Set(file, 0b110_000_000);
        Assert.Equal("2\n", (await hub.RunAsync("identity", "--token-file", file)).Text);
        Assert.Equal("hi\n", (await hub.RunAsync("echo", "hi", "--token-file", file)).Text);

        var without = await hub.RunAsync("identity");
        Assert.Equal(((int)ExitCode.Refused, "mds: the hub refused: auth_required: this hub lets nobody in without a token\n"), (without.ExitCode, without.Error));
        var wrong = await MdsProcess.RunAsync(["identity", "--hub", $"{hub.Endpoint}"], [], Token("mds_wrong"));
        Assert.Equal(((int)ExitCode.Refused, "mds: the hub refused: auth_failed: the token is not one that this hub knows\n"), (wrong.ExitCode, wrong.Error));
        var forbidden = await MdsProcess.RunAsync(["list", "--hub", $"{hub.Endpoint}"], [], Token(other));
        Assert.Equal((int)ExitCode.Refused, forbidden.ExitCode);
        Assert.Contains("may not list", forbidden.Error, StringComparison.Ordinal);

        Assert.Equal(0, (await MdsProcess.RunAsync("token", "remove", "alice", "--file", File)).ExitCode);
        var twice = await MdsProcess.RunAsync("token", "remove", "alice", "--file", File);
        Assert.Equal((int)ExitCode.Usage, twice.ExitCode);
    }

    [Fact]
    public async Task A_json_web_token_made_for_trying_out_lets_in()
    {
        string secret = Path.Combine(_folder, "secret");
        await System.IO.File.WriteAllTextAsync(secret, new string('s', 40) + "\n");
        Modes.Set(secret, 0b110_000_000);
        var made = await MdsProcess.RunAsync("token", "jwt", "--secret", secret, "--sub", "bob", "--issuer", "me", "--audience", "hub", "--may-not-send");
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        await using var hub = await HubProcess.StartAsync("--auth", "jwt", "--jwt-secret", secret, "--jwt-issuer", "me", "--jwt-audience", "hub");
        Assert.Equal((0, "1\n"), await IdentityAsync(hub, made.Text.Trim()));
        var sent = await MdsProcess.RunAsync(["relay", "--hub", $"{hub.Endpoint}", "--to", "1", "hi"], [], Token(made.Text.Trim()));
        Assert.Contains("not_allowed: this token may not send", sent.Error, StringComparison.Ordinal);
        var foreign = await MdsProcess.RunAsync("token", "jwt", "--secret", secret, "--sub", "bob", "--issuer", "me", "--audience", "shop");
        Assert.Equal(4, (await IdentityAsync(hub, foreign.Text.Trim())).ExitCode);
    }

    [Theory]
    [InlineData("--auth-tokens must name the file", "--auth", "token")]
    [InlineData("only --auth token uses", "--auth-tokens", "x")]
    [InlineData("only --auth jwt uses", "--jwt-issuer", "x")]
    [InlineData("--jwt-keys or --jwt-secret", "--auth", "jwt")]
    [InlineData("--jwt-issuer and --jwt-audience", "--auth", "jwt", "--jwt-secret", "x")]
    [InlineData("exclude each other", "--auth", "token", "--auth-tokens", "x", "--allow-anonymous")]
    [InlineData("cannot be read", "--auth", "token", "--auth-tokens", "/nowhere/tokens.json")]
    [InlineData("it must be from 0 to 5m", "--jwt-clock-skew", "6m")]
    [InlineData("none, token, jwt", "--auth", "password")]
    public async Task Settings_that_would_keep_nobody_out_do_not_start_a_hub(string says, params string[] options)
    {
        var ended = await MdsProcess.RunAsync(["serve", "--port", "0", .. options], []);
        Assert.Equal((int)ExitCode.Usage, ended.ExitCode);
        Assert.Contains(says, ended.Error, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Token(string token) => new() { ["MDS_TOKEN"] = token };

    private static async Task<(int ExitCode, string Text)> IdentityAsync(HubProcess hub, string token)
    {
        var result = await MdsProcess.RunAsync(["identity", "--hub", $"{hub.Endpoint}"], [], Token(token));
        return (result.ExitCode, result.Text);
    }

    private async Task<string> AddAsync(string name, params string[] options)
    {
        var added = await MdsProcess.RunAsync(["token", "add", name, "--file", File, .. options], []);
        Assert.Equal((0, ""), (added.ExitCode, added.Error));
        return added.Text.Trim();
    }
}
