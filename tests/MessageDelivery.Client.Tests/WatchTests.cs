using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

public sealed class WatchTests
{
    private static async Task<PresenceUpdate> NextAsync(IAsyncEnumerator<PresenceUpdate> watch)
    {
        Assert.True(await watch.MoveNextAsync().Soon());
        return watch.Current;
    }

    private static void AssertUpdate(PresenceUpdate update, bool isSnapshot, ulong[] joined, ulong[] left)
    {
        Assert.Equal(isSnapshot, update.IsSnapshot);
        Assert.Equal(joined, update.Joined);
        Assert.Equal(left, update.Left);
    }

    private static async Task ExpectListAsync(Peer peer, ListFlags flags) =>
        Assert.Equal(new FrameHeader(FrameType.List, (byte)flags, 0, 0), (await peer.ReadAsync()).Header);

    /// <summary>After this the client has carried out all that was sent to it.</summary>
    private static async Task SettleAsync(HubClient client, Peer peer)
    {
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        await peer.ExpectAsync(FrameType.Identity);
        await peer.SendAsync(Frames.Identity(1));
        await identity.Soon();
    }

    [Fact]
    public async Task The_first_update_is_the_list_and_each_other_one_a_change()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.List(true, 2, 3), Frames.List(false, 5));
        var users = new SortedSet<ulong>();
        AssertUpdate(await first, true, [2, 3, 5], []);
        watch.Current.ApplyTo(users);
        await peer.SendAsync(Frames.Presence(PresenceChange.Joined, 8, 7));
        AssertUpdate(await NextAsync(watch), false, [7, 8], []);
        watch.Current.ApplyTo(users);
        await peer.SendAsync(Frames.Presence(PresenceChange.Left, 3));
        AssertUpdate(await NextAsync(watch), false, [], [3]);
        watch.Current.ApplyTo(users);
        Assert.Equal([2UL, 5UL, 7UL, 8UL], users.ToArray());
    }

    [Fact]
    public async Task Nobody_there_is_an_update_too()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await peer.SendAsync(Frames.List(false));
        AssertUpdate(await first, true, [], []);
    }

    [Fact]
    public async Task Who_is_slow_gets_one_difference_in_which_those_who_came_and_went_are_not()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.List(false, 2, 3));
        await first;
        for (ulong i = 0; i < 1000; i++)
        {
            await peer.SendAsync(Frames.Presence(PresenceChange.Joined, 100 + i), Frames.Presence(PresenceChange.Left, 100 + i));
        }

        await peer.SendAsync(
            Frames.Presence(PresenceChange.Left, 3), Frames.Presence(PresenceChange.Joined, 4), Frames.Presence(PresenceChange.Left, 2),
            Frames.Presence(PresenceChange.Joined, 2));
        await SettleAsync(client, peer);
        AssertUpdate(await NextAsync(watch), false, [4], [3]);
        Task<PresenceUpdate> next = NextAsync(watch);
        Assert.False(next.IsCompleted);
        await peer.SendAsync(Frames.Presence(PresenceChange.Joined, 9));
        AssertUpdate(await next, false, [9], []);
    }

    [Fact]
    public async Task Watchers_share_one_watch_which_ends_with_the_last_of_them()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        IAsyncEnumerator<PresenceUpdate> one = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(one);
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.List(false, 2));
        await first;
        await peer.SendAsync(Frames.Presence(PresenceChange.Joined, 3));
        await SettleAsync(client, peer);

        // A list meanwhile must not end it.
        Task<IReadOnlyList<ulong>> list = client.ListAsync().AsTask();
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.List(false, 2, 3, 4));
        Assert.Equal([2, 3, 4], await list.Soon());
        IAsyncEnumerator<PresenceUpdate> other = client.WatchAsync().GetAsyncEnumerator();
        AssertUpdate(await NextAsync(other), true, [2, 3, 4], []);
        AssertUpdate(await NextAsync(one), false, [3, 4], []);
        await one.DisposeAsync();
        await peer.SendAsync(Frames.Presence(PresenceChange.Left, 2));
        AssertUpdate(await NextAsync(other), false, [], [2]);
        await SettleAsync(client, peer);
        await other.DisposeAsync();
        await ExpectListAsync(peer, ListFlags.None);

        // What was under way when it ended is nobody's.
        await peer.SendAsync(Frames.Presence(PresenceChange.Left, 3), Frames.List(false, 4));
        await SettleAsync(client, peer);
        await using IAsyncEnumerator<PresenceUpdate> again = client.WatchAsync().GetAsyncEnumerator();
        first = NextAsync(again);
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.List(false, 4));
        AssertUpdate(await first, true, [4], []);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reconnection_is_one_difference(bool isResumed)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.List(false, 2, 3));
        await first;
        Task<PresenceUpdate> next = NextAsync(watch);
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(isResumed ? Frames.Welcome(1, key: 2, resumed: true) : Frames.Welcome(9, key: 2));
        await ExpectListAsync(second, ListFlags.Watch);
        Assert.False(next.IsCompleted);
        await second.SendAsync(Frames.List(false, 3, 4));
        AssertUpdate(await next, false, [4], [2]);

        // A loss in which nothing changed is not to be seen.
        second.EndSending();
        Peer third = await hub.ExpectResumeAsync(0, key: 2);
        await third.SendAsync(Frames.Welcome(isResumed ? 1UL : 9, key: 3, resumed: true));
        await ExpectListAsync(third, ListFlags.Watch);
        await third.SendAsync(Frames.List(false, 3, 4), Frames.Presence(PresenceChange.Joined, 8));
        AssertUpdate(await NextAsync(watch), false, [8], []);
    }

    [Fact]
    public async Task A_watch_whose_list_was_lost_is_asked_for_again()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.List(true, 2, 3));
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(0);
        await second.SendAsync(Frames.Welcome(1, key: 2, resumed: true));
        await ExpectListAsync(second, ListFlags.Watch);
        await second.SendAsync(Frames.List(false, 5));
        AssertUpdate(await first, true, [5], []);
        await second.SendAsync(Frames.Presence(PresenceChange.Joined, 6));
        AssertUpdate(await NextAsync(watch), false, [6], []);
        await SettleAsync(client, second);
    }

    [Fact]
    public async Task A_watch_begins_when_there_is_a_connection()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Resumable with { Resume = false });
        await using var _ = client;
        peer.Cut();
        Peer second = await hub.AcceptAsync();
        await second.ExpectAsync(FrameType.Hello);
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await second.SendAsync(Frames.Welcome(2));
        await ExpectListAsync(second, ListFlags.Watch);
        await second.SendAsync(Frames.List(false, 7));
        AssertUpdate(await first, true, [7], []);
    }

    [Fact]
    public async Task A_hub_that_does_not_offer_it_ends_the_watch_and_nothing_else()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await ExpectListAsync(peer, ListFlags.Watch);
        await peer.SendAsync(Frames.Error(ProtocolCode.Unsupported, "no watching"));
        Assert.Equal(ProtocolCode.Unsupported, (await Assert.ThrowsAsync<HubRequestException>(() => first)).Code);
        await ExpectListAsync(peer, ListFlags.None);
        await peer.SendAsync(Frames.List(false));
        await SettleAsync(client, peer);
    }

    [Fact]
    public async Task It_ends_with_the_client()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<bool> first = watch.MoveNextAsync().AsTask();
        await peer.SendAsync(Frames.List(false, 2), Frames.Goodbye(ProtocolCode.Removed));
        Assert.True(await first.Soon());
        Assert.Equal(ProtocolCode.Removed, (await Assert.ThrowsAsync<HubConnectionException>(() => watch.MoveNextAsync().Soon())).Code);

        (HubClient closing, Peer other) = await hub.ConnectAsync();
        await using IAsyncEnumerator<PresenceUpdate> ended = closing.WatchAsync().GetAsyncEnumerator();
        Task<bool> waiting = ended.MoveNextAsync().AsTask();
        await closing.DisposeAsync().Soon();
        Assert.False(await waiting.Soon());
        await other.ReadToEndAsync();
    }

    [Fact]
    public async Task Watching_can_be_cancelled()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        using var cancel = new CancellationTokenSource();
        await using (IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync(cancel.Token).GetAsyncEnumerator())
        {
            Task<bool> waiting = watch.MoveNextAsync().AsTask();
            await ExpectListAsync(peer, ListFlags.Watch);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.Soon());
        }

        await peer.SendAsync(Frames.List(false, 2));
        await ExpectListAsync(peer, ListFlags.None);
    }

    [Theory]
    [InlineData(3, 8)]
    [InlineData(1, 9)]
    public async Task A_presence_that_makes_no_sense_is_a_protocol_error(int argument, int bytes)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using var _ = client;
        await using IAsyncEnumerator<PresenceUpdate> watch = client.WatchAsync().GetAsyncEnumerator();
        Task<PresenceUpdate> first = NextAsync(watch);
        await peer.SendAsync(Frames.List(false), Frames.Of(FrameType.Presence, argument, 0, new byte[bytes]));
        await first;
        await client.Closed.Soon();
        Assert.Equal(ProtocolCode.ProtocolError, client.CloseReason!.Code);
    }
}
