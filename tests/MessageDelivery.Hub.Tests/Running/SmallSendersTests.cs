using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>What somebody sends who reads and writes little passes what others cannot get rid of.</summary>
public sealed class SmallSendersTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Small_messages_pass_in_a_memory_full_of_large_ones(int loops)
    {
        await using var hub = new MessageHub(new()
        {
            Listen = [new(IPAddress.Loopback, 0)],
            EventLoops = loops,
            MemoryLimitBytes = 64 << 20,
            QueueLimitBytes = 1 << 30,
            // Nobody is cut off while this test waits for anything.
            StallTimeout = TimeSpan.FromMinutes(10),
            DrainTimeout = TimeSpan.Zero,
        });
        await hub.StartAsync();
        using var one = new Peer(hub.Endpoints[0]);
        using var other = new Peer(hub.Endpoints[0]);
        using var text = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        await text.ConnectAsync(hub.Endpoints[0]);
        await text.SendAsync("echo hello\n"u8.ToArray());
        Assert.Equal("hello\n", ReceiveText(text, 6));
        using var deaf = new Peer(hub.Endpoints[0], receiveBufferBytes: 4 << 10);
        var large = Enumerable.Range(0, 4).Select(_ => new Peer(hub.Endpoints[0])).ToList();
        foreach (var sender in large)
        {
            // How often in full depends on what the kernel holds beside the hub; what the hub holds has a ceiling.
            long times = sender.SendUntilHeldBack(Peer.Relay(new byte[1 << 20], RelayFlags.None, deaf.Id));
            Assert.True(
                hub.Pool!.UsedBytes <= hub.Pool.LimitBytes, $"{hub.Pool.UsedBytes} bytes in use after {times} relays; the limit is {hub.Pool.LimitBytes}");
        }

        Assert.True(hub.Pool!.IsShort);
        var body = new byte[100];
        var delivery = new byte[ProtocolLimits.DeliveryHeaderBytes + body.Length];
        for (int number = 0; number < 500; number++)
        {
            body[0] = (byte)number;
            one.Send(Peer.Relay(body, RelayFlags.None, other.Id));
            other.Receive(delivery);
            Assert.Equal((byte)number, delivery[ProtocolLimits.DeliveryHeaderBytes]);
            string said = $"message {number}\n";
            await text.SendAsync(Encoding.ASCII.GetBytes($"relay {other.Id} {said}"));
            var heard = new byte[ProtocolLimits.DeliveryHeaderBytes + said.Length - 1];
            other.Receive(heard);
            Assert.Equal(said[..^1], Encoding.ASCII.GetString(heard.AsSpan(ProtocolLimits.DeliveryHeaderBytes)));
        }

        Assert.True(hub.Pool!.IsShort);
        large.ForEach(sender => sender.Dispose());
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    private static string ReceiveText(Socket socket, int bytes)
    {
        var buffer = new byte[bytes];
        for (int got = 0; got < bytes;)
        {
            int received = socket.Receive(buffer.AsSpan(got));
            Assert.NotEqual(0, received);
            got += received;
        }

        return Encoding.UTF8.GetString(buffer);
    }
}
