using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Client;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>Clients in the process of their hub, without a socket: all is as over one, but for what only a network can do.</summary>
public sealed class InProcessTests
{
    private static readonly TimeSpan Patience = RawConnection.Patience;

    [Fact]
    public async Task Relays_receipts_and_confirmations()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using HubClient alice = await ConnectAsync(hub);
        await using HubClient bob = await ConnectAsync(hub);
        byte[] body = new byte[alice.MaxBodyBytes];
        Random.Shared.NextBytes(body);
        Task<Receipt> receipt = alice.RelayWithReceiptAsync(bob.UserId, body, RelayOptions.Confirm).AsTask();
        using (Delivery delivery = await NextAsync(bob))
        {
            Assert.Equal(alice.UserId, delivery.Sender);
            Assert.True(body.AsSpan().SequenceEqual(delivery.Body.Span));
            Assert.False(receipt.IsCompleted);
        }

        Assert.Equal([new(bob.UserId, Outcome.Delivered)], (await receipt.WaitAsync(Patience)).Entries);
        Assert.Equal([new(99, Outcome.Unknown)], (await alice.RelayWithReceiptAsync(99, "x"u8.ToArray()).AsTask().WaitAsync(Patience)).Entries);

        // Somebody with a socket is a user like others.
        await using RawConnection carol = await hub.BinaryAsync();
        Assert.Equal([bob.UserId, carol.UserId], await alice.ListAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_session_goes_on_when_its_stream_was_disposed_of()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        var streams = new List<Stream>();
        await using HubClient alice = await ConnectAsync(hub);
        await using HubClient bob = await ConnectAsync(hub, streams);
        ulong id = bob.UserId;
        for (int i = 1; i <= 5; i++)
        {
            var resumed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            bob.SessionResumed += (_, _) => resumed.TrySetResult();
            await streams[^1].DisposeAsync();
            await alice.RelayAsync(id, new[] { (byte)i });
            using (Delivery delivery = await NextAsync(bob))
            {
                Assert.Equal([(byte)i], delivery.Body.ToArray());
            }

            await resumed.Task.WaitAsync(Patience);
            Assert.Equal(id, bob.UserId);
        }

        Assert.Equal(6, streams.Count);
    }

    [Fact]
    public async Task Limits_hold_as_over_a_socket_but_for_those_of_an_address()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Limits = new() { MaxBodyBytes = 1_000, MaxConnectionsPerAddress = 1, ConnectionsPerSecond = 1 },
        });
        await using HubClient alice = await ConnectAsync(hub);
        await using HubClient bob = await ConnectAsync(hub);
        Assert.Equal(1_000, alice.MaxBodyBytes);
        await using RawConnection outside = await hub.BinaryAsync();
        await using Stream inside = hub.Hub.ConnectInProcess();
        byte[] tooLarge = Frames.Relay(alice.UserId, new byte[1_001], correlation: 7);
        await inside.WriteAsync(Frames.Join(Frames.Hello(), tooLarge));
        await outside.SendAsync(tooLarge);
        byte[] expected = (await outside.FrameAsync()).Bytes;
        await ReadFrameAsync(inside).WaitAsync(Patience);
        Assert.Equal(expected, await ReadFrameAsync(inside).WaitAsync(Patience));
    }

    [Fact]
    public async Task A_hub_that_demands_tokens_demands_one_here()
    {
        using var tokens = new Tokens();
        string token = tokens.Add("alice");
        await using RunningHub hub = await tokens.StartHubAsync();
        var refused = await Assert.ThrowsAsync<HubAuthenticationException>(() => ConnectAsync(hub));
        Assert.Equal(ProtocolCode.AuthRequired, refused.Code);
        await using HubClient alice = await ConnectAsync(hub, configure: options => options with { Token = token });
        Assert.Equal(alice.UserId, await alice.GetIdentityAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_hub_that_demands_TLS_lets_in_who_needs_none()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with { Tls = TestCertificates.Tls(HubTlsMode.Required) });
        await using HubClient alice = await ConnectAsync(hub);
        Assert.Equal(alice.UserId, await alice.GetIdentityAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task A_hub_that_stops_ends_the_stream()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using HubClient alice = await ConnectAsync(hub, configure: options => options with { Reconnect = null });
        await using Stream silent = hub.Hub.ConnectInProcess();
        Task stopping = hub.StopAsync();
        await ReadToEndAsync(silent).WaitAsync(Patience);
        await alice.Closed.WaitAsync(Patience);
        Assert.Equal(ProtocolCode.ShuttingDown, alice.CloseReason?.Code);

        // The stream is still held, as a socket may be: the hub does not wait for it.
        await hub.AdvanceUntilAsync(stopping, TimeSpan.FromSeconds(1));
        Assert.Throws<InvalidOperationException>(() => hub.Hub.ConnectInProcess());
    }

    /// <summary>Whichever of its loops have ended already.</summary>
    [Fact]
    public async Task A_stream_that_is_handed_out_while_the_hub_stops_ends()
    {
        for (int i = 0; i < 20; i++)
        {
            await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], EventLoops = 3 });
            await hub.StartAsync();
            Task<List<Stream>>[] connecting = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() => ConnectUntilStopped(hub)))];
            await hub.StopAsync().WaitAsync(Patience);
            foreach (Stream stream in (await Task.WhenAll(connecting)).SelectMany(streams => streams))
            {
                await ReadToEndAsync(stream).WaitAsync(Patience);
                await stream.DisposeAsync();
            }

            Assert.Equal(0, hub.OutstandingBlocks);
        }
    }

    private static List<Stream> ConnectUntilStopped(MessageHub hub)
    {
        var streams = new List<Stream>();
        try
        {
            while (streams.Count < 1_000)
            {
                streams.Add(hub.ConnectInProcess());
            }
        }
        catch (InvalidOperationException)
        {
        }

        return streams;
    }

    private static async Task ReadToEndAsync(Stream stream)
    {
        byte[] buffer = new byte[1_000];
        while (await stream.ReadAsync(buffer) > 0)
        {
        }
    }

    private static async Task<byte[]> ReadFrameAsync(Stream stream)
    {
        byte[] header = new byte[ProtocolLimits.HeaderBytes];
        await stream.ReadExactlyAsync(header);
        byte[] payload = new byte[BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4))];
        await stream.ReadExactlyAsync(payload);
        return [.. header, .. payload];
    }

    private static async Task<Delivery> NextAsync(HubClient client)
    {
        await using IAsyncEnumerator<Delivery> reader = client.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(Patience));
        return reader.Current;
    }

    private static async Task<HubClient> ConnectAsync(
        RunningHub hub, List<Stream>? streams = null, Func<HubClientOptions, HubClientOptions>? configure = null)
    {
        var options = new HubClientOptions
        {
            ConnectCallback = (_, _) =>
            {
                Stream stream = hub.Hub.ConnectInProcess();
                streams?.Add(stream);
                return ValueTask.FromResult(stream);
            },
            CloseTimeout = TimeSpan.Zero,
        };
        return await HubClient.ConnectAsync(configure?.Invoke(options) ?? options).AsTask().WaitAsync(Patience);
    }
}
