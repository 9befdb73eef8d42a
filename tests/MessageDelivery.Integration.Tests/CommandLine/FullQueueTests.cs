using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds serve --full-queue</c> and <c>mds token … --full-queue</c>, through the program and raw sockets.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class FullQueueTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mds-full").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_hub_that_leaves_full_receivers_out_makes_nobody_wait()
    {
        await using var hub = await HubProcess.StartAsync("--full-queue", "leave-out", "--queue-limit", "1MiB", "--stall-timeout", "1h", "--heartbeat", "0");
        await using var slow = await (await RawConnection.ConnectAsync(hub.Endpoint, receiveBufferBytes: 16_384)).HelloAsync();
        await using var filler = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        await Filling.FillAsync(filler, slow.UserId);
        await using var text = await (await RawConnection.ConnectAsync(hub.Endpoint)).IdentifyAsync();

        await text.SendAsync("relay 1 hi\nidentity\n");
        await text.ExpectLinesAsync("[Server] Not delivered to 1: full", "[Server] Your ID is 3");
        await filler.SendAsync(Frames.Relay(1, [1]), Frames.Relay([1, 2], [2]), Frames.Relay(1, [3], 7), Frames.Identity);
        await filler.ExpectAsync(Frames.Delivery(2, [2]), Frames.Receipt(7, Outcome.Full), Frames.IdentityReply(2));
    }

    [Fact]
    public async Task A_token_may_be_made_that_leaves_full_receivers_out()
    {
        string file = Path.Combine(_folder, "tokens.json");
        var made = await MdsProcess.RunAsync("token", "add", "game", "--full-queue", "leave-out", "--file", file);
        Assert.Equal((0, ""), (made.ExitCode, made.Error));
        string plain = (await MdsProcess.RunAsync("token", "add", "plain", "--file", file)).Text.Trim();
        Assert.Contains(
            "game\t", (await MdsProcess.RunAsync("token", "list", "--file", file)).Text, StringComparison.Ordinal);
        Assert.Contains(
            "leaves out full receivers", (await MdsProcess.RunAsync("token", "list", "--file", file)).Text, StringComparison.Ordinal);
        await using var hub = await HubProcess.StartAsync(
            "--auth", "token", "--auth-tokens", file, "--queue-limit", "1MiB", "--stall-timeout", "1h", "--heartbeat", "0");
        await using var slow = await (await RawConnection.ConnectAsync(hub.Endpoint, receiveBufferBytes: 16_384)).HelloAsync(plain);
        await using var game = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync(made.Text.Trim());
        await Filling.FillAsync(game, slow.UserId);
        await game.SendAsync(Frames.Relay(1, [1], 7), Frames.Identity);
        await game.ExpectAsync(Frames.Receipt(7, Outcome.Full), Frames.IdentityReply(2));
    }

    [Theory]
    [InlineData("full-queue (from --full-queue)", "serve", "--port", "0", "--full-queue", "drop")]
    [InlineData("--full-queue", "token", "add", "x", "--file", "nowhere.json", "--full-queue", "drop")]
    public async Task A_rule_that_there_is_not_is_named(string setting, params string[] arguments)
    {
        var ended = await MdsProcess.RunAsync(arguments, []);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains($"{setting} is 'drop': it must be one of wait, leave-out", ended.Error, StringComparison.Ordinal);
    }
}
