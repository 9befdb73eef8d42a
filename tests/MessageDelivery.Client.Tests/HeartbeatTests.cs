using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

public sealed class HeartbeatTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private readonly FakeTimeProvider _time = new();

    private HubClientOptions Options(ScriptedHub hub) => hub.Options with { TimeProvider = _time, ConnectTimeout = Timeout.InfiniteTimeSpan };

    /// <summary>After this the client has carried out all that was sent to it.</summary>
    private static async Task SettleAsync(HubClient client, Peer peer)
    {
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        ReceivedFrame frame;
        do
        {
            frame = await peer.ReadAsync();
            await peer.SendAsync(frame.Type == FrameType.Heartbeat ? Frames.Heartbeat() : Frames.Identity(1));
        }
        while (frame.Type != FrameType.Identity);
        await identity.Soon();
        await Soonness.UntilAsync(() => client.IsSendIdle);
    }

    [Fact]
    public async Task A_client_that_has_nothing_to_say_says_so_and_lives_as_long_as_it_is_answered()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub), heartbeat: 30);
        await using var _ = client;
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(Interval);
            Assert.Equal(new FrameHeader(FrameType.Heartbeat, 0, 0, 0), (await peer.ReadAsync()).Header);
            await peer.SendAsync(Frames.Heartbeat());
            await SettleAsync(client, peer);
        }

        Assert.Equal(ConnectionState.Connected, client.ConnectionState);
    }

    [Fact]
    public async Task Nothing_is_sent_before_it_is_due()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub), heartbeat: 30);
        await using var _ = client;
        _time.Advance(Interval - TimeSpan.FromSeconds(1));
        await AssertNextIsIdentityAsync(client, peer);
    }

    [Fact]
    public async Task Zero_seconds_turn_it_off()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub), heartbeat: 0);
        await using var _ = client;
        _time.Advance(TimeSpan.FromDays(1));
        await AssertNextIsIdentityAsync(client, peer);
    }

    [Fact]
    public async Task A_hub_that_says_nothing_for_two_intervals_after_a_heartbeat_is_dead()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub), heartbeat: 30);
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.ExpectAsync(FrameType.Identity);
        await Soonness.UntilAsync(() => client.IsSendIdle);
        _time.Advance(Interval);
        await peer.ExpectAsync(FrameType.Heartbeat);
        _time.Advance((2 * Interval) - TimeSpan.FromSeconds(1));
        Assert.Equal(ConnectionState.Connected, client.ConnectionState);

        // As long as the last send counts, which may have been noted late.
        while (!client.Closed.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        var error = await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon());
        Assert.Equal(ProtocolCode.HeartbeatTimeout, error.Code);
        Assert.Equal(ReconnectAdvice.Yes, error.ReconnectAdvice);
    }

    [Fact]
    public async Task Anything_that_comes_shows_that_the_hub_lives()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub), heartbeat: 30);
        await using var _ = client;
        _time.Advance(Interval);
        await peer.ExpectAsync(FrameType.Heartbeat);
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(Interval);
            await peer.SendAsync(Frames.Delivery(2));
            Assert.True(await reader.MoveNextAsync().Soon());
        }

        Assert.Equal(ConnectionState.Connected, client.ConnectionState);
    }

    [Fact]
    public async Task A_hub_that_may_be_holding_this_sender_back_is_not_taken_for_dead()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub), heartbeat: 30);
        await using var _ = client;
        await client.RelayAsync(2, default);
        await peer.ExpectAsync(FrameType.Relay);
        for (int i = 0; i < 20; i++)
        {
            _time.Advance(Interval);
        }

        Assert.Equal(ConnectionState.Connected, client.ConnectionState);
        await SettleAsync(client, peer);

        // The relay is done; from here on silence is silence.
        for (int i = 0; i < 4; i++)
        {
            _time.Advance(Interval);
            await Task.Yield();
        }

        while (!client.Closed.IsCompleted)
        {
            _time.Advance(Interval);
            await Task.Yield();
        }

        Assert.Equal(ProtocolCode.HeartbeatTimeout, client.CloseReason!.Code);
    }

    [Fact]
    public async Task A_client_that_does_not_read_does_not_blame_the_hub()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub) with { ReceiveBufferBytes = 1 }, heartbeat: 30);
        await using var _ = client;
        await peer.SendAsync(Frames.Delivery(2));
        await Soonness.UntilAsync(() => client.IsReceivePaused);
        for (int i = 0; i < 20; i++)
        {
            _time.Advance(Interval);
        }

        Assert.Equal(ConnectionState.Connected, client.ConnectionState);
        await peer.ExpectAsync(FrameType.Heartbeat);
    }

    private static async Task AssertNextIsIdentityAsync(HubClient client, Peer peer)
    {
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.ExpectAsync(FrameType.Identity);
        await peer.SendAsync(Frames.Identity(1));
        await identity.Soon();
    }
}
