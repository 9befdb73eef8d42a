using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

/// <summary>A session that cannot be resumed is lost openly, and nothing of it reaches the next.</summary>
public sealed class LostSessionTests
{
    [Fact]
    public async Task What_is_unknown_fails_and_is_counted_and_nothing_is_sent_as_another_user()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(hub.Resumable with { SendBufferBytes = 100 }, id: 4);
        await using var _ = client;
        var changed = new TaskCompletionSource<IdentityChangedEventArgs>();
        client.IdentityChanged += (_, args) => changed.TrySetResult(args);
        client.SessionResumed += (_, _) => changed.TrySetException(new InvalidOperationException("resumed"));
        await client.RelayAsync(7, default);
        Task<Receipt> known = client.RelayWithReceiptAsync(7, default).AsTask();
        Task<Receipt> confirmed = client.RelayWithReceiptAsync(7, default, RelayOptions.Confirm).AsTask();
        Task<Receipt> sent = client.RelayWithReceiptAsync(7, default).AsTask();
        await client.RelayAsync(7, new byte[50]);
        Task waiting = client.RelayAsync(7, new byte[50]).AsTask();
        for (int i = 0; i < 4; i++)
        {
            await peer.ExpectAsync(FrameType.Relay);
        }

        await peer.SendAsync(Frames.Receipt(2, Outcome.Accepted), Frames.Ack(3), Frames.Delivery(3));
        await known.Soon();
        peer.EndSending();
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        Peer second = await hub.ExpectResumeAsync(1);
        await second.SendAsync(Frames.Welcome(9, key: 2));
        IdentityChangedEventArgs args = await changed.Task.Soon();

        // Not known: the outcome of 3, and 4, 5 and 6 altogether; 6 had found room after the acknowledgement.
        Assert.Equal((4UL, 9UL, 4L), (args.OldUserId, args.NewUserId, args.UnknownRelays));
        await waiting.Soon();
        foreach ((Task call, bool mayBeCarriedOut) in ((Task, bool)[])[(confirmed, true), (sent, true), (identity, false)])
        {
            Assert.Equal(mayBeCarriedOut, (await Assert.ThrowsAsync<HubSessionLostException>(() => call.Soon())).MayBeCarriedOut);
        }

        await client.WaitUntilConnectedAsync().Soon();
        Task<ulong> next = client.GetIdentityAsync().AsTask();
        await second.ExpectAsync(FrameType.Identity);
        await second.SendAsync(Frames.Identity(9), Frames.Delivery(5));
        Assert.Equal(9UL, await next.Soon());

        // The new session counts from the beginning, in both directions.
        await client.RelayAsync(8, default);
        await second.ExpectAsync(FrameType.Relay);
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(3UL, reader.Current.Sender);
        Assert.True(await reader.MoveNextAsync().Soon());
        Assert.Equal(5UL, reader.Current.Sender);
        reader.Current.Dispose();
        second.EndSending();
        Peer third = await hub.ExpectResumeAsync(1, key: 2);
        await third.SendAsync(Frames.Welcome(9, key: 3, resumed: true, processed: 1));
        Task<Receipt> last = client.RelayWithReceiptAsync(8, default).AsTask();
        ulong correlation = (await third.ExpectAsync(FrameType.Relay)).U64();
        await third.SendAsync(Frames.Receipt(correlation, Outcome.Accepted));
        await last.Soon();
    }

    [Fact]
    public async Task A_call_that_had_found_no_room_was_never_sent()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(hub.Resumable with { SendBufferBytes = 1 });
        await using var _ = client;
        await client.RelayAsync(7, default);
        Task<Receipt> waiting = client.RelayWithReceiptAsync(7, default).AsTask();
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(9, key: 2));
        Assert.False((await Assert.ThrowsAsync<HubSessionLostException>(() => waiting.Soon())).MayBeCarriedOut);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_is_sent_as_a_new_user_before_everybody_knows(bool resume)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = resume ? await hub.ConnectResumableAsync() : await hub.ConnectAsync(hub.Resumable with { Resume = false });
        await using var _ = client;
        using var told = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        client.IdentityChanged += (_, _) =>
        {
            told.Set();
            goOn.Wait();
        };
        peer.Cut();
        Peer second = await hub.AcceptAsync();
        await second.ExpectAsync(FrameType.Hello);
        await second.SendAsync(resume ? Frames.Welcome(9, key: 2) : Frames.Welcome(9));
        await Task.Run(told.Wait).Soon();
        Assert.Equal(ConnectionState.Reconnecting, client.ConnectionState);
        await Assert.ThrowsAnyAsync<HubConnectionException>(() => client.RelayAsync(7, default).AsTask());
        Task connected = client.WaitUntilConnectedAsync().AsTask();
        Assert.False(connected.IsCompleted);
        goOn.Set();
        await connected.Soon();
        await client.RelayAsync(8, default);
        Assert.Equal(8UL, (await second.ExpectAsync(FrameType.Relay)).U64());
    }

    [Fact]
    public async Task A_client_may_be_closed_while_everybody_is_told()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        Task closing = Task.CompletedTask;
        client.IdentityChanged += (_, _) =>
        {
            closing = client.CloseAsync().AsTask();
            closing.Wait(TimeSpan.FromMilliseconds(50));
        };
        peer.Cut();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(9, key: 2));
        await second.ExpectAsync(FrameType.Goodbye);
        await second.SendAsync(Frames.Goodbye(ProtocolCode.Normal));
        await client.Closed.Soon();
        await closing.Soon();
    }

    [Theory]
    [InlineData(ProtocolCode.TakenOver)]
    [InlineData(ProtocolCode.Removed)]
    [InlineData(ProtocolCode.ProtocolError)]
    public async Task A_goodbye_that_ends_the_session_ends_the_client(ProtocolCode code)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.SendAsync(Frames.Goodbye(code));
        await client.Closed.Soon();
        Assert.Equal((code, ConnectionState.Closed), (client.CloseReason!.Code, client.ConnectionState));
        Assert.Same(client.CloseReason, await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon()));
    }

    [Fact]
    public async Task A_goodbye_that_ends_only_the_session_is_followed_by_another()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.SendAsync(Frames.Goodbye(ProtocolCode.RateLimited));
        Assert.Equal(ProtocolCode.RateLimited, (await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon())).Code);
        Peer second = await hub.AcceptAsync();
        Assert.Equal((byte)HelloFlags.Resumable, (await second.ExpectAsync(FrameType.Hello)).Header.Flags);
        await second.SendAsync(Frames.Welcome(2, key: 2));
        await client.WaitUntilConnectedAsync().Soon();
        await Soonness.UntilAsync(() => client.UserId == 2);
    }

    [Fact]
    public async Task After_the_window_calls_fail_and_the_client_goes_on_as_a_new_user()
    {
        var time = new FakeTimeProvider();
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(
            hub.Options with { TimeProvider = time, ConnectTimeout = Timeout.InfiniteTimeSpan, Reconnect = new() }, window: 20);
        await using var _ = client;
        Task<Receipt> receipt = client.RelayWithReceiptAsync(7, default).AsTask();
        await peer.ExpectAsync(FrameType.Relay);
        long since = time.GetTimestamp();
        peer.Cut();
        int resumptions = 0;
        Peer next;
        while (true)
        {
            Task<Peer> accepting = hub.AcceptAsync();
            while (!accepting.IsCompleted)
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                await Task.Yield();
            }

            next = await accepting;
            if ((await next.ExpectAsync(FrameType.Hello)).Header.Flags == (byte)HelloFlags.Resumable)
            {
                break;
            }

            Assert.False(receipt.IsCompleted);
            resumptions++;
            await next.SendAsync(Frames.Goodbye(ProtocolCode.TooManyConnections));
        }

        Assert.InRange(resumptions, 1, int.MaxValue);
        Assert.InRange(time.GetElapsedTime(since), TimeSpan.FromSeconds(20), TimeSpan.MaxValue);
        Assert.True((await Assert.ThrowsAsync<HubSessionLostException>(() => receipt.Soon())).MayBeCarriedOut);
        Assert.False((await Assert.ThrowsAsync<HubSessionLostException>(() => client.RelayAsync(7, default).AsTask())).MayBeCarriedOut);
        await next.SendAsync(Frames.Welcome(2, key: 2));
        await client.WaitUntilConnectedAsync().Soon();
        Assert.Equal(2UL, client.UserId);
    }

    [Fact]
    public async Task Close_tells_if_the_session_was_lost_before_its_goodbye()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        await client.RelayAsync(7, default);
        peer.Cut();
        Peer second = await hub.ExpectResumeAsync(0);
        Task closing = client.CloseAsync().AsTask();
        await Soonness.UntilAsync(() => client.RelayAsync(7, default).AsTask().IsFaulted);
        await second.SendAsync(Frames.Welcome(2, key: 2));
        await Assert.ThrowsAsync<HubSessionLostException>(() => closing.Soon());
        Assert.IsType<HubSessionLostException>(client.CloseReason);
    }

    [Fact]
    public async Task Without_resume_nothing_is_asked_for()
    {
        await using var hub = new ScriptedHub();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Resumable with { Resume = false }).AsTask();
        Peer peer = await hub.AcceptAsync();
        Assert.Equal(0, (await peer.ExpectAsync(FrameType.Hello)).Header.Flags);
        await peer.SendAsync(Frames.Welcome(1));
        await using HubClient client = await connecting.Soon();
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await client.RelayAsync(7, default);
        await peer.ExpectAsync(FrameType.Identity);
        var changed = new TaskCompletionSource<IdentityChangedEventArgs>();
        client.IdentityChanged += (_, args) => changed.TrySetResult(args);
        peer.EndSending();
        Assert.IsNotType<HubSessionLostException>(await Assert.ThrowsAsync<HubConnectionException>(() => identity.Soon()));
        await hub.WelcomeAsync(2);
        Assert.Equal(1, (await changed.Task.Soon()).UnknownRelays);
    }
}
