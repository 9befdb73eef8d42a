using System.Text.Json;
using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds attack</c> against hubs that do not stand it.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class SuspectHubTests
{
    [Fact]
    public async Task A_hub_that_falls_for_it_is_suspect()
    {
        await using var hub = new GullibleHub();
        string[] attacks = ["length-edges", "bad-tokens", "http", "smuggled-commands", "smuggled-lines"];

        MdsResult result = await Attacking.AttackAsync($"{hub.Endpoint}", ["--only", .. attacks, "--seconds", "1", "--longest-gap", "1m", "--json"]);

        JsonElement report = Attacking.Report(result);
        Assert.All(report.GetProperty("attacks").EnumerateArray(), attack =>
        {
            Assert.True(Attacking.Verdict(attack) == "suspect", attack.ToString());
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

        MdsResult result = await Attacking.AttackAsync(
            $"{front.Endpoint}", ["--pid", $"{hub.Mds.Id}", "--only", "tls-junk", "tls-handshakes", "tls-renegotiation", "--seconds", "3", "--longest-gap", "1m", "--json"]);

        JsonElement report = Attacking.Report(result);
        Assert.True(report.GetProperty("hasTls").GetBoolean());
        Assert.False(report.GetProperty("wantsTls").GetBoolean());
        JsonElement[] attacks = [.. report.GetProperty("attacks").EnumerateArray()];
        Assert.True(attacks.Select(Attacking.Verdict).SequenceEqual(["ok", "ok", verdict]), result.Text);
        Assert.True(attacks[1].GetProperty("tried").GetProperty("requests").GetInt64() > 0, result.Text);
    }
}
