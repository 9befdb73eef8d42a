using System.Text.Json;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Output;
using MessageDelivery.Hub.Access;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What verbs print for programs.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class JsonOutputTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds-json");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Identity_and_echo()
    {
        await using var hub = await HubProcess.StartAsync();
        Assert.Equal("{\"user\":1}\n", (await hub.RunAsync("identity", "--json")).Text);
        string echoed = (await hub.RunAsync("echo", "--json", "grüße \u001b[2J", "\"x\"")).Text;
        Assert.Equal("grüße \u001b[2J \"x\"", JsonDocument.Parse(echoed).RootElement.GetProperty("body").GetString());
        Assert.EndsWith("}\n", echoed, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", echoed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_without_what_is_kept_of_their_secrets()
    {
        string file = Path.Combine(_directory.FullName, "tokens.json");
        Assert.Equal(0, (await MdsProcess.RunAsync("token", "add", "alice", "--file", file)).ExitCode);
        Assert.Equal(0, (await MdsProcess.RunAsync(
            "token", "add", "sensor", "--file", file, "--may-not-list", "--reach", "group", "--group", "plant", "--expires", "2999-01-31", "--relays-per-second", "2.5",
            "--bytes-per-second", "1KiB", "--full-queue", "leave-out")).ExitCode);

        var result = await MdsProcess.RunAsync("token", "list", "--json", "--file", file);

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.DoesNotContain("hash", result.Text, StringComparison.OrdinalIgnoreCase);
        var tokens = JsonDocument.Parse(result.Text).RootElement.GetProperty("tokens");
        Assert.Equal(2, tokens.GetArrayLength());
        Assert.Equal(["name", "created", "send", "list", "watch", "reach"], tokens[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal("alice", tokens[0].GetProperty("name").GetString());
        Assert.True(tokens[0].GetProperty("list").GetBoolean());
        Assert.Equal(
            ("sensor", false, "group", "plant", 2.5, 1024.0, "leave-out", 2999),
            (tokens[1].GetProperty("name").GetString(), tokens[1].GetProperty("list").GetBoolean(), tokens[1].GetProperty("reach").GetString(),
                tokens[1].GetProperty("group").GetString(), tokens[1].GetProperty("relaysPerSecond").GetDouble(), tokens[1].GetProperty("bytesPerSecond").GetDouble(),
                tokens[1].GetProperty("fullQueue").GetString(), tokens[1].GetProperty("expires").GetDateTimeOffset().Year));
    }

    [Fact]
    public void A_token_is_told_with_all_that_it_has() => Assert.Equal(
        typeof(TokenEntry).GetProperties().Select(property => property.Name).Where(name => name is not nameof(TokenEntry.Hash)).Order(),
        typeof(PrintedToken).GetProperties().Select(property => property.Name == nameof(PrintedToken.Admin) ? nameof(TokenEntry.IsAdmin) : property.Name).Order());

    [Fact]
    public async Task Settings_that_are_in_force_and_where_they_come_from()
    {
        string file = Path.Combine(_directory.FullName, "some.json");
        await File.WriteAllTextAsync(file, """{ "queueLimit": "1MiB" }""", TestContext.Current.CancellationToken);

        var result = await MdsProcess.RunAsync("check-config", "--json", "--config", file, "--port", "1234");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        var root = JsonDocument.Parse(result.Text).RootElement;
        Assert.Equal(
            (file, 0, 0), (root.GetProperty("file").GetString(), root.GetProperty("problems").GetArrayLength(), root.GetProperty("ignored").GetArrayLength()));
        var settings = root.GetProperty("settings").EnumerateArray().ToDictionary(setting => setting.GetProperty("name").GetString()!);
        Assert.Equal(("1MiB", $"queueLimit in {file}"), (settings["queue-limit"].GetProperty("value").GetString(), settings["queue-limit"].GetProperty("from").GetString()));
        Assert.Equal("--port", settings["port"].GetProperty("from").GetString());
        Assert.False(settings["heartbeat"].TryGetProperty("from", out _));
    }

    [Fact]
    public async Task Settings_that_are_wrong()
    {
        var result = await MdsProcess.RunAsync("check-config", "--json", "--heartbeat", "x", "--log-level", "loud");
        Assert.Equal(((int)ExitCode.Usage, ""), (result.ExitCode, result.Error));
        var root = JsonDocument.Parse(result.Text).RootElement;
        Assert.Equal(0, root.GetProperty("settings").GetArrayLength());
        string[] problems = [.. root.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()!)];
        Assert.Equal(2, problems.Length);
        Assert.StartsWith("heartbeat (from --heartbeat) is 'x'", problems[0], StringComparison.Ordinal);
    }
}
