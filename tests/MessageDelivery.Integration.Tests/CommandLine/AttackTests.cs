using System.Text.Json;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Attacks;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds attack</c>: the hub stands it, and what it refuses to do.</summary>
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

        MdsResult result = await Attacking.AttackAsync(hub.Endpoint.ToString(), ["--only", .. names, .. Short]);

        JsonElement report = Attacking.Report(result);
        Assert.Equal(hub.Mds.Id, report.GetProperty("processId").GetInt32());
        JsonElement[] attacks = [.. report.GetProperty("attacks").EnumerateArray()];
        Assert.Equal(names, attacks.Select(Attacking.Name));
        Assert.All(attacks, attack => Assert.True(Attacking.Verdict(attack) != "suspect", attack.ToString()));
        Assert.All(attacks, attack => Assert.Equal(NeedsTls.Contains(Attacking.Name(attack)), Attacking.Verdict(attack) == "skipped"));
        Assert.All(attacks.Where(attack => Attacking.Verdict(attack) == "ok"), AssertIsWhole);
        Assert.Equal((int)ExitCode.Ok, result.ExitCode);
    }

    [Fact]
    public async Task A_hub_that_refuses_most_connections_is_no_trouble()
    {
        await using HubProcess hub = await HubProcess.StartAsync("--max-connections", "4");

        MdsResult result = await Attacking.AttackAsync(
            hub.Endpoint.ToString(), ["--only", "declared-lengths", "error-flood", "connection-flood", "bad-tokens", "http", .. Short]);

        Assert.True(result.ExitCode == (int)ExitCode.Ok, result.Text + result.Error);
        Assert.Contains("too_many_connections", result.Text, StringComparison.Ordinal);
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
    [InlineData("--seconds is '0': it must be a whole number from 1 to 3600", "--seconds", "0")]
    [InlineData("--connections is '1e3': it must be a whole number from 1 to 10000", "--connections", "1e3")]
    [InlineData("--longest-gap is '5': a time is written like 10s", "--longest-gap", "5")]
    public async Task What_cannot_be_is_named_with_its_limit(string error, params string[] options)
    {
        MdsResult result = await Attacking.AttackAsync("127.0.0.1:1", options);

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_hub_there_is_nothing_to_attack()
    {
        MdsResult result = await Attacking.AttackAsync("127.0.0.1:1", []);

        Assert.Equal((int)ExitCode.ConnectionFailed, result.ExitCode);
        Assert.Contains("127.0.0.1:1", result.Error, StringComparison.Ordinal);
    }

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
