using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Where memory is scarce those who stand still are closed, and nobody else: who goes on sending gets through.</summary>
public sealed class HonestSendersTests
{
    private const int Senders = 6;
    private const int Bodies = 4;
    private const int Idle = 12;
    private const int Large = ProtocolLimits.MaxBodyBytes;

    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>How many bytes of a frame somebody sends who then says no more, or one byte now and then.</summary>
    [Theory]
    [InlineData(1, Large - 1, false)]
    [InlineData(2, Large - 1, false)]
    [InlineData(1, 600_000, true)]
    [InlineData(2, 600_000, true)]
    public async Task They_get_through_beside_some_who_do_not_finish(int loops, int begun, bool trickle)
    {
        await using var hub = await StartAsync(loops);
        using var receiver = new Peer(hub.Endpoints[0]);
        byte[] beginning = [.. Peer.Relay(new byte[Large], RelayFlags.None, receiver.Id).Take(begun)];
        var idle = Enumerable.Range(0, Idle).Select(_ => new Peer(hub.Endpoints[0])).ToList();
        idle.ForEach(peer => peer.Socket.Blocking = false);
        idle.ForEach(peer => peer.Socket.Send(beginning, SocketFlags.None, out _));
        for (int i = 0; i < 1_000 && !hub.Pool!.IsShort; i++)
        {
            await Task.Delay(2);
        }

        Assert.True(hub.Pool!.IsShort);
        using var dripping = trickle ? new Timer(_ => idle.ForEach(peer => peer.Socket.Send([0], SocketFlags.None, out var _)), null, 100, 100) : null;
        var senders = Enumerable.Range(0, Senders).Select(_ => OnThread(() => Send(hub, receiver.Id))).ToList();
        await OnThread(() => Read(receiver)).WaitAsync(Patience);
        await Task.WhenAll(senders).WaitAsync(Patience);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Text_users_get_through_too(int loops)
    {
        await using var hub = await StartAsync(loops);
        using var receiver = new Peer(hub.Endpoints[0]);
        var people = Enumerable.Range(0, 16).Select(_ => OnThread(() => SendText(hub, receiver.Id))).ToList();
        var body = new byte[Large];
        for (int i = 0; i < people.Count; i++)
        {
            receiver.Receive(new byte[ProtocolLimits.DeliveryHeaderBytes]);
            receiver.Receive(body);
            Assert.Equal(-1, body.AsSpan().IndexOfAnyExcept((byte)'x'));
        }

        await Task.WhenAll(people).WaitAsync(Patience);
    }

    private static async Task<MessageHub> StartAsync(int loops)
    {
        var hub = new MessageHub(new()
        {
            Listen = [new(IPAddress.Loopback, 0)],
            EventLoops = loops,
            MemoryLimitBytes = BlockPool.MinLimitBytes,
            QueueLimitBytes = 1 << 20,
            StallTimeout = Stall,
            DrainTimeout = TimeSpan.Zero,
        });
        await hub.StartAsync();
        return hub;
    }

    private static Task OnThread(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Send(MessageHub hub, ulong receiver)
    {
        using var sender = new Peer(hub.Endpoints[0]);
        byte[] relay = Peer.Relay(new byte[Large], RelayFlags.Receipt, receiver);
        var receipt = new byte[17];
        for (int i = 0; i < Bodies; i++)
        {
            sender.Send(relay);
            sender.Receive(receipt);
            Assert.Equal((byte)Outcome.Accepted, receipt[16]);
        }
    }

    private static void Read(Peer receiver)
    {
        var delivery = new byte[ProtocolLimits.DeliveryHeaderBytes + Large];
        for (int i = 0; i < Senders * Bodies; i++)
        {
            receiver.Receive(delivery);
        }
    }

    private static void SendText(MessageHub hub, ulong receiver)
    {
        using var person = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000, SendTimeout = 30_000 };
        person.Connect(hub.Endpoints[0]);
        byte[] request = [.. Encoding.ASCII.GetBytes($"verbose\nrelay\n{receiver}\n"), .. Enumerable.Repeat((byte)'x', Large), .. "\n.\n"u8];
        for (int sent = 0; sent < request.Length;)
        {
            sent += person.Send(request.AsSpan(sent));
        }

        var answer = new byte[100];
        string expected = $"[Server] Relayed to {receiver}\n";
        var said = new StringBuilder();
        while (!said.ToString().EndsWith(expected, StringComparison.Ordinal))
        {
            int received = person.Receive(answer);
            Assert.True(received > 0, $"The hub closed the connection after: {said}");
            said.Append(Encoding.UTF8.GetString(answer, 0, received));
        }
    }
}
