using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>LIST with WATCH: the list, and then whoever comes or goes, each once.</summary>
public sealed class WatchTests
{
    private static readonly byte[] Watch = Frames.Build(FrameType.List, (byte)ListFlags.Watch);
    private static readonly TimeSpan Batch = TimeSpan.FromMilliseconds(100);

    [Theory]
    [InlineData(UserIdOrder.Sequential)]
    [InlineData(UserIdOrder.Random)]
    public async Task Who_comes_and_goes_is_told_within_100_ms(UserIdOrder order)
    {
        await using RunningHub hub = await StartAsync(order);
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await watcher.SendAsync(Watch);
        await watcher.ExpectAsync(Frames.ListReply(other.UserId));

        var guests = new List<RawConnection>();
        for (int i = 0; i < 8; i++)
        {
            guests.Add(i % 2 == 0 ? await hub.BinaryAsync() : await hub.TextAsync());
        }

        await hub.SettleAsync();
        await watcher.ExpectNothingAsync();
        hub.Time.Advance(Batch);
        await watcher.ExpectAsync(Presence(PresenceChange.Joined, [.. guests.Select(guest => guest.UserId).Order()]));

        await other.DisposeAsync();
        await guests[1].SendAsync("quit\n");
        await guests[1].ExpectClosedAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        ulong[] left = [.. new[] { other.UserId, guests[1].UserId }.Order()];
        await watcher.ExpectAsync(Presence(PresenceChange.Left, left));
        foreach (RawConnection guest in guests)
        {
            await guest.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_silent_listener_comes_when_it_is_listed()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await watcher.SendAsync(Watch);
        await watcher.ExpectAsync(Frames.ListReply());

        await using RawConnection silent = await hub.ConnectAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await watcher.ExpectNothingAsync();

        await hub.AdvanceUntilAsync(watcher.ExpectAsync(Presence(PresenceChange.Joined, 2)), TimeSpan.FromMilliseconds(500));
        // Who turns out to be a program has not gone.
        await silent.HelloAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await watcher.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(UserIdOrder.Sequential)]
    [InlineData(UserIdOrder.Random)]
    public async Task Who_comes_and_goes_within_a_batch_is_left_out(UserIdOrder order)
    {
        await using RunningHub hub = await StartAsync(order);
        await using RawConnection watcher = await hub.BinaryAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await watcher.SendAsync(Watch);
        await watcher.ExpectAsync(Frames.ListReply(other.UserId));
        var guests = new List<RawConnection>();
        for (int i = 0; i < 8; i++)
        {
            guests.Add(await hub.BinaryAsync());
        }

        foreach (RawConnection guest in guests)
        {
            await guest.DisposeAsync();
        }

        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(other)).Length == 1);
        await using RawConnection staying = await hub.BinaryAsync();
        await using RawConnection alsoStaying = await hub.BinaryAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);

        ulong[] joined = [.. new[] { staying.UserId, alsoStaying.UserId }.Order()];
        await watcher.ExpectAsync(Presence(PresenceChange.Joined, joined));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Another_list_ends_it_or_begins_it_anew(bool anew)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await watcher.SendAsync(Watch);
        await watcher.ExpectAsync(Frames.ListReply());
        // Come and not told: they are in the next list, and must not be told after it.
        await using RawConnection second = await hub.BinaryAsync();
        await using RawConnection third = await hub.BinaryAsync();
        await watcher.SendAsync(anew ? Watch : Frames.List);
        await watcher.ExpectAsync(Frames.ListReply(2, 3));

        await using RawConnection fourth = await hub.BinaryAsync();
        await second.DisposeAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);

        if (anew)
        {
            await watcher.ExpectAsync(Presence(PresenceChange.Joined, 4), Presence(PresenceChange.Left, 2));
        }

        await watcher.ExpectNothingAsync();
    }

    [Fact]
    public async Task A_watch_that_is_refused_changes_nothing()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await watcher.SendAsync(Watch, Frames.Build(FrameType.List, 2), Frames.Build(FrameType.List, 1, 1));
        await watcher.ExpectAsync(Frames.ListReply());
        await watcher.ExpectErrorAsync(ProtocolCode.Unsupported);
        await watcher.ExpectErrorAsync(ProtocolCode.Unsupported);
        await using RawConnection guest = await hub.BinaryAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);

        await watcher.ExpectAsync(Presence(PresenceChange.Joined, 2));
    }

    [Fact]
    public async Task It_ends_with_its_connection()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection other = await hub.BinaryAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await watcher.SendAsync(Watch, Frames.Goodbye);
        await watcher.ExpectAsync(Frames.ListReply(1));
        await watcher.ExpectGoodbyeAsync(ProtocolCode.Normal);
        await using RawConnection guest = await hub.BinaryAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);

        await watcher.ExpectClosedAsync();
    }

    [Fact]
    public async Task Who_is_away_and_may_resume_has_not_left()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection watcher = await hub.BinaryAsync();
        await watcher.SendAsync(Watch);
        await watcher.ExpectAsync(Frames.ListReply());
        RawConnection lost = await hub.ConnectAsync();
        Frame welcome = await GreetAsync(lost, HelloFlags.Resumable);
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await watcher.ExpectAsync(Presence(PresenceChange.Joined, 2));

        lost.Abort();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await watcher.ExpectNothingAsync();
        RawConnection again = await hub.ConnectAsync();
        await GreetAsync(again, HelloFlags.Resumable | HelloFlags.Resume, welcome.Payload[16..32], Frames.Number(0));
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await watcher.ExpectNothingAsync();

        again.Abort();
        await hub.SettleAsync();
        await hub.AdvanceUntilAsync(watcher.ExpectAsync(Presence(PresenceChange.Left, 2)), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task It_does_not_go_on_when_its_session_does()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        RawConnection lost = await hub.ConnectAsync();
        Frame welcome = await GreetAsync(lost, HelloFlags.Resumable);
        await lost.SendAsync(Watch);
        await lost.ExpectAsync(Frames.ListReply());
        lost.Abort();
        await hub.SettleAsync();
        await using RawConnection again = await hub.ConnectAsync();
        await GreetAsync(again, HelloFlags.Resumable | HelloFlags.Resume, welcome.Payload[16..32], Frames.Number(0));
        await using RawConnection guest = await hub.BinaryAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await again.ExpectNothingAsync();

        await again.SendAsync(Watch);
        await again.ExpectAsync(Frames.ListReply(2));
    }

    /// <summary>
    /// Many on every loop who watch, some of whom begin anew now and then, while others come and go: whatever the moment,
    /// nobody is told twice, and in the end all know who is there.
    /// </summary>
    [Theory]
    [InlineData(UserIdOrder.Sequential)]
    [InlineData(UserIdOrder.Random)]
    public async Task Nothing_is_missing_and_nothing_comes_twice_while_many_come_and_go(UserIdOrder order)
    {
        await using RunningHub hub = await StartAsync(order);
        var watchers = new List<Watching>();
        for (int i = 0; i < 12; i++)
        {
            watchers.Add(new(await hub.BinaryAsync(), againEvery: i % 3 == 0 ? 0 : i));
        }

        using var stop = new CancellationTokenSource();
        Task ticking = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                hub.Time.Advance(TimeSpan.FromMilliseconds(16));
                await Task.Delay(2);
            }
        });
        Task[] reading = [.. watchers.Select(watcher => Task.Run(watcher.ReadAsync))];
        RawConnection[][] stayed = await Task.WhenAll(Enumerable.Range(0, 6).Select(seed => Task.Run(() => ComeAndGoAsync(hub, seed))));
        ulong[] present = [.. watchers.Select(watcher => watcher.Id), .. stayed.SelectMany(guests => guests).Select(guest => guest.UserId)];
        foreach (Watching watcher in watchers)
        {
            await hub.EventuallyAsync(() => Task.FromResult(watcher.Knows(present) || watcher.HasEnded));
        }

        await stop.CancelAsync();
        await ticking;
        foreach (Watching watcher in watchers)
        {
            await watcher.EndAsync();
        }

        await Task.WhenAll(reading);
        Assert.All(watchers, watcher => Assert.True(watcher.Changes > 50, $"{watcher.Changes} changes were told."));
        foreach (RawConnection guest in stayed.SelectMany(guests => guests))
        {
            await guest.DisposeAsync();
        }
    }

    [Fact]
    public async Task Who_does_not_read_holds_nobody_up_and_catches_up_exactly()
    {
        await using RunningHub hub = await RunningHub.StartAsync(
            o => o with { QueueLimitBytes = 1 << 20, Heartbeat = TimeSpan.Zero, StallTimeout = TimeSpan.FromMinutes(10) });
        await using RawConnection slow = await hub.BinaryAsync(receiveBufferBytes: 16_384);
        await using RawConnection quick = await hub.BinaryAsync();
        await slow.SendAsync(Watch);
        await quick.SendAsync(Watch);
        await slow.ExpectAsync(Frames.ListReply(2));
        await quick.ExpectAsync(Frames.ListReply(1));
        await using RawConnection filler = await hub.BinaryAsync();
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await slow.ExpectAsync(Presence(PresenceChange.Joined, 3));
        await quick.ExpectAsync(Presence(PresenceChange.Joined, 3));
        List<byte[]> bodies = await Filling.FillAsync(filler, slow.UserId);

        // Kept: whom nobody refers to any more, the garbage collector disconnects.
        var staying = new List<RawConnection>();
        for (ulong id = 4; id < 24; id++)
        {
            RawConnection guest = await hub.BinaryAsync();
            await hub.SettleAsync();
            hub.Time.Advance(Batch);
            await quick.ExpectAsync(Presence(PresenceChange.Joined, id));
            if (id % 2 == 0)
            {
                await guest.DisposeAsync();
                await hub.SettleAsync();
                hub.Time.Advance(Batch);
                await quick.ExpectAsync(Presence(PresenceChange.Left, id));
            }
            else
            {
                staying.Add(guest);
            }
        }

        await slow.ExpectAsync([.. bodies.Select(body => Frames.Delivery(3, body))]);
        await hub.SettleAsync();
        hub.Time.Advance(Batch);
        await slow.ExpectAsync(Presence(PresenceChange.Joined, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23));
        foreach (RawConnection guest in staying)
        {
            await guest.DisposeAsync();
        }
    }

    private static Task<RunningHub> StartAsync(UserIdOrder order) => RunningHub.StartAsync(
        o => o with { EventLoops = 3, Heartbeat = TimeSpan.Zero, Limits = o.Limits with { Ids = order } });

    private static byte[] Presence(PresenceChange change, params ulong[] ids) =>
        Frames.Build(FrameType.Presence, 0, (ushort)change, Frames.Numbers(ids));

    private static async Task<Frame> GreetAsync(RawConnection connection, HelloFlags flags, params byte[][] payload)
    {
        await connection.SendAsync(Frames.Build(FrameType.Hello, (byte)flags, 1, ["MDS1"u8.ToArray(), .. payload]));
        Frame welcome = await connection.FrameAsync(FrameType.Welcome);
        Assert.Equal(flags.HasFlag(HelloFlags.Resume), ((WelcomeFlags)welcome.Flags).HasFlag(WelcomeFlags.Resumed));
        return welcome;
    }

    /// <summary>Guests who come and mostly go, in many ways; returns those who stayed.</summary>
    private static async Task<RawConnection[]> ComeAndGoAsync(RunningHub hub, int seed)
    {
        var random = new Random(seed);
        var guests = new List<RawConnection>();
        for (int i = 0; i < 100; i++)
        {
            guests.Add(await (random.Next(3) == 0 ? hub.TextAsync() : hub.BinaryAsync()));
            if (random.Next(10) < 8)
            {
                RawConnection leaving = guests[random.Next(guests.Count)];
                guests.Remove(leaving);
                if (random.Next(2) == 0)
                {
                    leaving.Abort();
                }
                else
                {
                    await leaving.DisposeAsync();
                }
            }
        }

        return [.. guests];
    }

    /// <summary>A watcher that keeps the set it is told, and fails on what does not fit it.</summary>
    private sealed class Watching(RawConnection connection, int againEvery)
    {
        private readonly Lock _lock = new();
        private readonly SortedSet<ulong> _known = [];

        public ulong Id => connection.UserId;

        public int Changes { get; private set; }

        public bool HasEnded { get; private set; }

        public bool Knows(IEnumerable<ulong> present)
        {
            lock (_lock)
            {
                return _known.SetEquals(present.Where(id => id != Id));
            }
        }

        public Task EndAsync() => connection.SendAsync(Frames.Goodbye);

        public async Task ReadAsync()
        {
            try
            {
                await connection.SendAsync(Watch);
                for (int frames = 1; await connection.FrameAsync() is { Type: not FrameType.GoodbyeReply } frame; frames++)
                {
                    lock (_lock)
                    {
                        Take(frame);
                    }

                    if (againEvery > 0 && frames % (5 + againEvery) == 0)
                    {
                        await connection.SendAsync(Watch);
                    }
                }
            }
            finally
            {
                HasEnded = true;
                await connection.DisposeAsync();
            }
        }

        private void Take(Frame frame)
        {
            Assert.Equal(frame.UserIds.Distinct().Order(), frame.UserIds);
            Assert.DoesNotContain(Id, frame.UserIds);
            if (frame.Type == FrameType.ListReply)
            {
                _known.Clear();
                _known.UnionWith(frame.UserIds);
                return;
            }

            Assert.Equal(FrameType.Presence, frame.Type);
            var change = (PresenceChange)frame.Argument;
            Assert.All(frame.UserIds, id => Assert.True(
                change == PresenceChange.Joined ? _known.Add(id) : _known.Remove(id), $"{id} {change}, but was told so before"));
            Changes += frame.UserIds.Length;
        }
    }
}
