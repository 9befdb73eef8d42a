using System.Text.Json;
using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds attack</c> against hubs that do not end what they should, or end themselves.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class LostHubTests
{
    [Fact]
    public async Task A_hub_that_waits_for_ever_is_suspect()
    {
        await using var hub = new GullibleHub();

        MdsResult result = await Attacking.AttackAsync(
            $"{hub.Endpoint}", ["--only", "declared-lengths", "--seconds", "13", "--connections", "4", "--longest-gap", "1m"]);

        Assert.Equal((int)ExitCode.NotDelivered, result.ExitCode);
        Assert.Contains("SUSPECT: half a HELLO was still held after 12 s", result.Text, StringComparison.Ordinal);
        Assert.Contains("a hub should: keep no memory", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_that_ends_meanwhile_is_suspect()
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using MdsProcess attack = MdsProcess.Start(["attack", hub.Endpoint.ToString(), "--only", "trickle", "http", "--seconds", "3", "--json"]);
        await attack.WaitForErrorAsync("attacking: trickle");
        hub.Mds.Signal(MdsProcess.SigKill);

        MdsResult result = await attack.EndAsync();

        JsonElement[] attacks = [.. Attacking.Report(result).GetProperty("attacks").EnumerateArray()];
        Assert.Equal(["suspect", "suspect"], attacks.Select(Attacking.Verdict));
        Assert.Equal((int)ExitCode.NotDelivered, result.ExitCode);
    }
}
