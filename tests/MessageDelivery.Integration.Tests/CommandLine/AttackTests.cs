using System.Text.Json;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Attacks;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds attack</c>: a hub that stands it, hubs that do not, and what it refuses to do.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class AttackTests
{
    private static readonly string[] NeedsTls = ["tls-handshakes", "tls-renegotiation"];

    // Other tests share these processors: how long a healthy user waits for one says nothing here.
    private static readonly string[] Short = ["--seconds", "1", "--connections", "8", "--longest-gap", "1m", "--json"];

    public static TheoryData<string[]> Parts => [.. Attack.All.Select(attack => attack.Name).Chunk(4)];

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task The_hub_stands_every_attack(string[] names)
    {
        await using HubProcess hub = await HubProcess.StartAsync();

        MdsResult result = await AttackAsync(hub.Endpoint.ToString(), ["--only", .. names, .. Short]);

        JsonElement report = Report(result);
        Assert.Equal(hub.Mds.Id, report.GetProperty("processId").GetInt32());
        JsonElement[] attacks = [.. report.GetProperty("attacks").EnumerateArray()];
        Assert.Equal(names, attacks.Select(Name));
        Assert.All(attacks, attack => Assert.True(Verdict(attack) != "suspect", attack.ToString()));
        Assert.All(attacks, attack => Assert.Equal(NeedsTls.Contains(Name(attack)), Verdict(attack) == "skipped"));
        Assert.All(attacks.Where(attack => Verdict(attack) == "ok"), AssertIsWhole);
        Assert.Equal((int)ExitCode.Ok, result.ExitCode);
    }

    [Fact]
    public async Task A_hub_that_falls_for_it_is_suspect()
    {
        await using var hub = new GullibleHub();
        string[] attacks = ["length-edges", "bad-tokens", "http", "smuggled-commands", "smuggled-lines"];

        MdsResult result = await AttackAsync($"{hub.Endpoint}", ["--only", .. attacks, "--seconds", "2", "--longest-gap", "1m", "--json"]);

        JsonElement report = Report(result);
        Assert.All(report.GetProperty("attacks").EnumerateArray(), attack =>
        {
            Assert.True(Verdict(attack) == "suspect", attack.ToString());
            Assert.NotEmpty(attack.GetProperty("reasons").EnumerateArray());
        });
        Assert.Equal(attacks.Length, report.GetProperty("attacks").GetArrayLength());
        Assert.Equal((int)ExitCode.NotDelivered, result.ExitCode);
    }

    [Theory]
    [InlineData(false, "ok")]
    [InlineData(true, "suspect")]
    public async Task Tls_is_attacked_where_it_is_spoken(bool allowsRenegotiation, string verdict)
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using var front = new TlsFront(hub.Endpoint, allowsRenegotiation);

        MdsResult result = await AttackAsync(
            $"{front.Endpoint}", ["--only", "tls-junk", "tls-handshakes", "tls-renegotiation", "--seconds", "6", "--longest-gap", "1m", "--json"]);

        JsonElement report = Report(result);
        Assert.True(report.GetProperty("hasTls").GetBoolean());
        Assert.False(report.GetProperty("wantsTls").GetBoolean());
        JsonElement[] attacks = [.. report.GetProperty("attacks").EnumerateArray()];
        Assert.True(attacks.Select(Verdict).SequenceEqual(["ok", "ok", verdict]), result.Text);
        Assert.True(attacks[1].GetProperty("tried").GetProperty("requests").GetInt64() > 10, result.Text);
    }

    [Fact]
    public async Task A_hub_that_waits_for_ever_is_suspect()
    {
        await using var hub = new GullibleHub();

        MdsResult result = await AttackAsync(
            $"{hub.Endpoint}", ["--only", "declared-lengths", "--seconds", "13", "--connections", "4", "--longest-gap", "1m"]);

        Assert.Equal((int)ExitCode.NotDelivered, result.ExitCode);
        Assert.Contains("SUSPECT: half a HELLO was still held after 12 s", result.Text, StringComparison.Ordinal);
        Assert.Contains("a hub should: keep no memory", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_that_refuses_most_connections_is_no_trouble()
    {
        await using HubProcess hub = await HubProcess.StartAsync("--max-connections", "4");

        MdsResult result = await AttackAsync(
            hub.Endpoint.ToString(), ["--only", "declared-lengths", "error-flood", "connection-flood", "bad-tokens", "http", .. Short]);

        Assert.True(result.ExitCode == (int)ExitCode.Ok, result.Text + result.Error);
        Assert.Contains("too_many_connections", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_that_ends_meanwhile_is_suspect()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using MdsProcess attack = MdsProcess.Start(["attack", hub.Endpoint.ToString(), "--only", "trickle", "http", "--seconds", "5", "--json"]);
        await attack.WaitForErrorAsync("attacking: trickle");
        hub.Mds.Signal(MdsProcess.SigKill);

        MdsResult result = await attack.EndAsync();

        JsonElement[] attacks = [.. Report(result).GetProperty("attacks").EnumerateArray()];
        Assert.Equal(["suspect", "suspect"], attacks.Select(Verdict));
        Assert.Equal((int)ExitCode.NotDelivered, result.ExitCode);
    }

    [Fact]
    public async Task It_asks_before_it_attacks_another_machine()
    {
        // 192.0.2.0/24 is nobody's (RFC 5737).
        MdsResult result = await MdsProcess.RunAsync(["attack", "192.0.2.1:8888"], "no\n"u8.ToArray());

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("192.0.2.1:8888 is not this machine, and nobody said that it is yours; --yes does", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no attack 'nonsense'; there are declared-lengths, ", "--only", "nonsense")]
    [InlineData("--seconds: '0' is not a whole number from 1 to 3600", "--seconds", "0")]
    [InlineData("--connections: '1e3' is not a whole number from 1 to 10000", "--connections", "1e3")]
    [InlineData("--longest-gap: '5' is not a time up to 1h", "--longest-gap", "5")]
    public async Task What_cannot_be_is_named_with_its_limit(string error, params string[] options)
    {
        MdsResult result = await AttackAsync("127.0.0.1:1", options);

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_hub_there_is_nothing_to_attack()
    {
        MdsResult result = await AttackAsync("127.0.0.1:1", []);

        Assert.Equal((int)ExitCode.ConnectionFailed, result.ExitCode);
        Assert.Contains("127.0.0.1:1", result.Error, StringComparison.Ordinal);
    }

    private static Task<MdsResult> AttackAsync(string hub, string[] options) => MdsProcess.RunAsync(["attack", hub, .. options], []);

    private static JsonElement Report(MdsResult result)
    {
        Assert.True(result.Output.Length > 0, result.Error);
        using var json = JsonDocument.Parse(result.Text);
        return json.RootElement.Clone();
    }

    private static string? Name(JsonElement attack) => attack.GetProperty("attack").GetString();

    private static string? Verdict(JsonElement attack) => attack.GetProperty("verdict").GetString();

    private static void AssertIsWhole(JsonElement attack)
    {
        Assert.True(attack.GetProperty("tried").GetProperty("connections").GetInt64() > 0);
        Assert.True(attack.GetProperty("tried").GetProperty("bytes").GetInt64() > 0);
        Assert.True(attack.GetProperty("use").GetProperty("peakBytes").GetInt64() > 0);
        Assert.NotEmpty(attack.GetProperty("did").GetProperty("inWords").GetString()!);
        Assert.True(attack.GetProperty("before").GetProperty("latencyMicroseconds").GetProperty("p99").GetDouble() > 0);
        Assert.Equal(0, attack.GetProperty("during").GetProperty("lost").GetInt64());
    }
}
