using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

public sealed class ReconnectTests
{
    private readonly FakeTimeProvider _time = new();

    private HubClientOptions Options(ScriptedHub hub, int? maxAttempts = null) => hub.Options with
    {
        TimeProvider = _time,
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        Reconnect = new() { MaxDelay = TimeSpan.FromSeconds(10), MaxAttempts = maxAttempts },
    };

    /// <summary>Moves the clock until something has happened that comes after a pause.</summary>
    private async Task<T> AdvanceUntilAsync<T>(Task<T> task)
    {
        while (!task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        return await task;
    }

    [Fact]
    public async Task A_lost_connection_fails_what_was_pending_and_is_replaced_with_a_new_identity()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub), id: 4);
        await using var _ = client;
        var reconnected = new TaskCompletionSource<IdentityChangedEventArgs>();
        client.IdentityChanged += (_, args) => reconnected.TrySetResult(args);
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Task<ulong> pending = client.GetIdentityAsync().AsTask();
        await peer.SendAsync(Frames.Delivery(1));
        peer.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        var lost = await Assert.ThrowsAsync<HubConnectionException>(() => pending.Soon());
        Assert.Equal(ConnectionState.Reconnecting, client.ConnectionState);
        Assert.Same(lost, await Assert.ThrowsAsync<HubConnectionException>(() => client.RelayAsync(1, default).AsTask()));
        Task connected = client.WaitUntilConnectedAsync().AsTask();
        Assert.False(connected.IsCompleted);

        Peer second = await AdvanceUntilAsync(hub.WelcomeAsync(9));
        IdentityChangedEventArgs args = await reconnected.Task.Soon();
        Assert.Equal((4UL, 9UL), (args.OldUserId, args.NewUserId));
        Assert.Same(lost, args.Reason);
        await connected.Soon();
        Assert.Equal((9UL, ConnectionState.Connected), (client.UserId, client.ConnectionState));
        Assert.False(client.Closed.IsCompleted);

        // The reader goes on over the gap.
        await second.SendAsync(Frames.Delivery(2));
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(1UL, reader.Current.Sender);
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(2UL, reader.Current.Sender);
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await second.SendAsync(Frames.Identity(9));
        Assert.Equal(9UL, await identity.Soon());
    }

    [Fact]
    public async Task No_attempt_is_made_before_its_pause_is_over()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub));
        await using var _ = client;
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.ShuttingDown));
        await peer.ReadToEndAsync();
        long before = _time.GetTimestamp();
        Task<Peer> next = hub.WelcomeAsync(2);
        while (!next.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Yield();
        }

        // A tenth of the longest pause, and at least half of that.
        Assert.True(_time.GetElapsedTime(before) >= TimeSpan.FromMilliseconds(500));
    }

    [Theory]
    [InlineData(ProtocolCode.Normal)]
    [InlineData(ProtocolCode.AuthFailed)]
    [InlineData(ProtocolCode.TakenOver)]
    [InlineData(ProtocolCode.ProtocolError)]
    public async Task A_code_that_advises_against_it_closes_for_good(ProtocolCode code)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub));
        await using var _ = client;
        await peer.SendAsync(Frames.Goodbye(code));
        await client.Closed.Soon();
        Assert.Equal((code, ConnectionState.Closed), (client.CloseReason!.Code, client.ConnectionState));
        await Assert.ThrowsAnyAsync<HubConnectionException>(() => client.WaitUntilConnectedAsync().AsTask());
    }

    [Fact]
    public async Task A_refusal_while_reconnecting_closes_for_good_with_the_refusal()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub));
        await using var _ = client;
        peer.Socket.Dispose();
        Peer second = await AdvanceUntilAsync(hub.AcceptAsync());
        await second.ReadAsync();
        await second.SendAsync(Frames.Goodbye(ProtocolCode.AuthFailed, "expired"));
        await client.Closed.Soon();
        Assert.Equal("expired", client.CloseReason!.Text);
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.Same(client.CloseReason, await Assert.ThrowsAnyAsync<HubConnectionException>(() => reader.MoveNextAsync().Soon()));
    }

    [Fact]
    public async Task Attempts_end_after_as_many_as_the_policy_allows()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub, maxAttempts: 3));
        await using var _ = client;
        peer.Socket.Dispose();
        for (int attempt = 0; attempt < 3; attempt++)
        {
            Peer next = await AdvanceUntilAsync(hub.AcceptAsync());
            await next.SendAsync(Frames.Goodbye(ProtocolCode.Overloaded, $"{attempt}"));
        }

        await client.Closed.Soon();
        Assert.Equal("2", client.CloseReason!.Text);
    }

    [Fact]
    public async Task Closing_while_reconnecting_ends_it_without_an_error()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub));
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.ShuttingDown));
        await peer.ReadToEndAsync();
        Assert.Equal(ConnectionState.Reconnecting, client.ConnectionState);
        await client.CloseAsync().Soon();
        Assert.Equal(ConnectionState.Closed, client.ConnectionState);
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task A_loss_is_told_before_the_first_attempt_and_only_if_there_will_be_one()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub, maxAttempts: 1));
        await using var _ = client;
        var losses = new List<(ProtocolCode? Code, ulong UserId, ConnectionState State)>();
        client.ConnectionStateChanged += (_, args) =>
        {
            if (args.NewState == ConnectionState.Reconnecting)
            {
                losses.Add((args.Reason.Code, client.UserId, client.ConnectionState));
            }
        };
        ulong id = client.UserId;
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.ShuttingDown));
        Peer second = await AdvanceUntilAsync(hub.WelcomeAsync(9));
        Assert.Equal([(ProtocolCode.ShuttingDown, id, ConnectionState.Reconnecting)], losses);
        await second.SendAsync(Frames.Goodbye(ProtocolCode.TakenOver));
        await client.Closed.Soon();
        Assert.Single(losses);
    }

    [Fact]
    public async Task A_handler_of_a_loss_that_fails_closes_the_client()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub));
        await using var _ = client;
        client.ConnectionStateChanged += (_, _) => throw new InvalidOperationException("oops");
        peer.Socket.Dispose();
        await client.Closed.Soon();
        Assert.Equal("oops", client.CloseReason!.InnerException!.Message);
    }

    [Fact]
    public async Task A_handler_that_fails_closes_the_client()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(Options(hub));
        await using var _ = client;
        client.IdentityChanged += (_, _) => throw new InvalidOperationException("oops");
        peer.Socket.Dispose();
        await AdvanceUntilAsync(hub.WelcomeAsync(2));
        await client.Closed.Soon();
        Assert.Equal("oops", client.CloseReason!.InnerException!.Message);
    }
}
