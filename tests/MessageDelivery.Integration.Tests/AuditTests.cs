using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>What a hub tells its audit, in the order in which it happens.</summary>
public sealed class AuditTests
{
    private readonly ListAudit _audit = new();

    [Fact]
    public async Task A_session_that_is_lost_comes_back_and_is_given_up()
    {
        await using (RunningHub hub = await StartAsync())
        {
            await using ResumingPeer peer = await hub.ResumingAsync();
            await peer.LoseAsync();
            await peer.ResumeAsync();
            await peer.LoseAsync();
        }

        Assert.Equal(["Joined", "Away", "Resumed", "Away", "Left shutting_down"], _audit.Kinds(1));
        Assert.Equal(2, _audit.Events.Select(happened => happened.Peer).Distinct().Count());
        Assert.All(_audit.Events, happened => Assert.Equal("binary", happened.Protocol));
    }

    [Fact]
    public async Task Who_does_not_come_back_in_time_has_left()
    {
        await using RunningHub hub = await StartAsync(o => o with { ResumeWindow = TimeSpan.FromSeconds(5) });
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer peer = await hub.ResumingAsync();
        await peer.LoseAsync();
        await hub.EventuallyAsync(() => Task.FromResult(_audit.Kinds(2).Contains("Left expired")), TimeSpan.FromSeconds(1));
        Assert.Equal("Left expired", _audit.Kinds(2)[^1]);
    }

    [Fact]
    public async Task A_silent_user_that_turns_out_to_be_a_program_is_one_user()
    {
        await using (RunningHub hub = await StartAsync())
        {
            await using RawConnection watcher = await hub.BinaryAsync();
            await using RawConnection silent = await hub.SilentAsync(watcher);
            await silent.HelloAsync();
        }

        Assert.Equal(["Joined", "Left left"], [.. _audit.Kinds(2).Select(kind => kind.Replace("shutting_down", "left", StringComparison.Ordinal))]);
        Assert.Equal(["text", "binary"], _audit.Events.Where(happened => happened.UserId == 2).Select(happened => happened.Protocol));
    }

    [Fact]
    public async Task Who_is_cut_off_for_silence_was_removed()
    {
        await using RunningHub hub = await StartAsync(o => o with { Heartbeat = TimeSpan.FromSeconds(1) });
        await using RawConnection peer = await hub.BinaryAsync();
        await hub.EventuallyAsync(() => Task.FromResult(_audit.Kinds(1).Contains("Removed heartbeat_timeout")), TimeSpan.FromSeconds(1));
        Assert.Equal(["Joined", "Removed heartbeat_timeout"], _audit.Kinds(1));
    }

    private Task<RunningHub> StartAsync(Func<MessageHubOptions, MessageHubOptions>? options = null) =>
        RunningHub.StartAsync(defaults => (options?.Invoke(defaults) ?? defaults with { Heartbeat = TimeSpan.Zero }) with { Audit = _audit });
}
