using System.Buffers;
using System.Text;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

/// <summary>A program's own code that runs inside the client and throws, blocks, or disposes of the client.</summary>
public sealed class HandlerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static TheoryData<ConnectionState> States => [ConnectionState.Reconnecting, ConnectionState.Connected, ConnectionState.Closed];

    [Theory]
    [MemberData(nameof(States))]
    public async Task Disposing_in_a_handler_that_blocks_on_it_ends(ConnectionState state)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Resumable with { Resume = false, CloseTimeout = TimeSpan.FromMilliseconds(50) });
        var ended = new TaskCompletionSource<bool>();
        client.ConnectionStateChanged += (_, change) =>
        {
            if (change.NewState == state)
            {
                ended.TrySetResult(client.DisposeAsync().AsTask().Wait(Limit));
            }
        };
        await peer.SendAsync(Frames.Goodbye(state == ConnectionState.Closed ? ProtocolCode.Removed : ProtocolCode.Overloaded));
        if (state == ConnectionState.Connected)
        {
            await hub.WelcomeAsync(2);
        }

        Assert.True(await ended.Task.WaitAsync(2 * Limit));
        await client.Closed.Soon();
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Disposing_in_a_handler_of_another_thread_ends_too()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Resumable with { Resume = false });
        var ended = new TaskCompletionSource<bool>();
        client.ConnectionStateChanged += (_, _) => ended.TrySetResult(Task.Run(() => client.DisposeAsync().AsTask()).Wait(Limit));
        peer.Cut();
        Assert.True(await ended.Task.WaitAsync(2 * Limit));
        await client.Closed.Soon();
    }

    [Fact]
    public async Task Disposing_in_a_handler_of_a_rejected_relay_ends()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { CloseTimeout = TimeSpan.FromMilliseconds(50) });
        var ended = new TaskCompletionSource<bool>();
        client.RelayRejected += (_, _) => ended.TrySetResult(client.DisposeAsync().AsTask().Wait(Limit));
        await client.RelayAsync(2, default);
        await peer.SendAsync(Frames.Error(ProtocolCode.Overloaded, "full"));
        Assert.True(await ended.Task.WaitAsync(2 * Limit));
        await client.Closed.Soon();
    }

    [Fact]
    public async Task Disposing_while_the_token_provider_blocks_ends()
    {
        await using var hub = new ScriptedHub();
        using var asked = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        int calls = 0;
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Resumable with
        {
            Resume = false,
            TokenProvider = _ =>
            {
                if (++calls > 1)
                {
                    asked.Set();
                    goOn.Wait(CancellationToken.None);
                }

                return new("token");
            },
        });
        peer.Cut();
        await Task.Run(asked.Wait).Soon();
        try
        {
            await client.DisposeAsync().Soon();
        }
        finally
        {
            goOn.Set();
        }

        await client.Closed.Soon();
    }

    [Fact]
    public async Task A_token_provider_that_throws_is_a_failed_attempt()
    {
        await using var hub = new ScriptedHub();
        int calls = 0;
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Resumable with
        {
            Resume = false,
            TokenProvider = _ => ++calls switch
            {
                2 => throw new InvalidOperationException("oops"),
                3 => ValueTask.FromException<string>(new HubConnectionException(null, "no token today")),
                4 => ValueTask.FromCanceled<string>(new(true)),
                5 => new((string)null!),
                _ => new("token"),
            },
        });
        await using var _ = client;
        peer.Cut();
        await hub.WelcomeAsync(2);
        await client.WaitUntilConnectedAsync().Soon();
        Assert.Equal(6, calls);
    }

    [Fact]
    public async Task A_clock_that_fails_closes_the_client()
    {
        await using var hub = new ScriptedHub();
        var clock = new BrokenClock();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(
            hub.Options with { TimeProvider = clock, ConnectTimeout = Timeout.InfiniteTimeSpan, Reconnect = new() });
        Task<ulong> identity = client.GetIdentityAsync().AsTask();
        clock.IsBroken = true;
        peer.Cut();
        await client.Closed.Soon();
        Assert.Equal("the clock is broken", client.CloseReason!.InnerException!.Message);
        await Assert.ThrowsAnyAsync<HubConnectionException>(() => identity.Soon());
        await Assert.ThrowsAnyAsync<HubConnectionException>(() => client.WaitUntilConnectedAsync().Soon());
        clock.IsBroken = false;
        await client.DisposeAsync().Soon();
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(1)]
    public async Task Memory_that_cannot_be_read_fails_its_call_and_no_other(long sendBufferBytes)
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { SendBufferBytes = sendBufferBytes });
        await using var _ = client;
        using var memory = new BrokenMemory();
        Task<MessageBody> before = client.EchoAsync("1"u8.ToArray()).AsTask();
        Task[] broken =
        [
            client.RelayAsync(2, memory.Memory).AsTask(),
            client.EchoAsync(memory.Memory).AsTask(),
            client.RelayWithReceiptAsync(2, memory.Memory).AsTask(),
        ];
        Task<MessageBody> after = client.EchoAsync("2"u8.ToArray()).AsTask();
        foreach (string expected in (string[])["1", "2"])
        {
            ReceivedFrame frame = await peer.ExpectAsync(FrameType.Echo);
            Assert.Equal(expected, Encoding.UTF8.GetString(frame.Payload));
            await peer.SendAsync(Frames.Echo(frame.Payload));
        }

        (await before.Soon()).Dispose();
        (await after.Soon()).Dispose();
        foreach (Task call in broken)
        {
            Assert.Equal("the memory is gone", (await Assert.ThrowsAsync<InvalidOperationException>(() => call.Soon())).Message);
        }
    }

    private sealed class BrokenMemory : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(5);

        public override Span<byte> GetSpan() => throw new InvalidOperationException("the memory is gone");

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class BrokenClock : FakeTimeProvider
    {
        public bool IsBroken { get; set; }

        public override long GetTimestamp() => IsBroken ? throw new InvalidOperationException("the clock is broken") : base.GetTimestamp();
    }
}
