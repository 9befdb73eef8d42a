using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Somebody who asks for more errors than it reads is made to wait, like anybody who asks for more than it reads.</summary>
public sealed class RefusedFloodTests
{
    private const int QueueLimit = 100_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<string, byte[]> Requests => new()
    {
        { "a relay to nobody", [5, 0, 0, 0, 0, 0, 0, 0] },
        { "an undefined type", [0x7F, 0, 0, 0, 0, 0, 0, 0] },
        { "a list", [4, 0, 0, 0, 0, 0, 0, 0] },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task What_the_hub_has_to_say_to_one_who_does_not_read_is_bounded(string what, byte[] request)
    {
        await using var hub = new MessageHub(
            new() { Listen = [new(IPAddress.Loopback, 0)], QueueLimitBytes = QueueLimit, Limits = new() { MaxErrorsPerMinute = 0 } });
        await hub.StartAsync();
        using var flooder = new Peer(hub.Endpoints[0]);
        using var other = new Peer(hub.Endpoints[0]);
        byte[] flood = [.. Enumerable.Repeat(request, 8_000).SelectMany(bytes => bytes)];
        flooder.Socket.Blocking = false;
        flooder.Socket.SendBufferSize = 64 << 10;
        flooder.Socket.ReceiveBufferSize = 16 << 10;
        int refusedInARow = 0;
        long taken = 0;
        var last = SocketError.Success;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience && refusedInARow < 50;)
        {
            // What the kernel takes need not end with a request; the next piece goes on where it ended.
            int begun = (int)(taken % request.Length);
            taken += flooder.Socket.Send(flood.AsSpan(begun), SocketFlags.None, out var error);
            last = error;
            refusedInARow = error == SocketError.WouldBlock ? refusedInARow + 1 : 0;
            await Task.Delay(error == SocketError.WouldBlock ? 10 : 0);
        }

        Assert.True(refusedInARow >= 50, $"The hub took {what} without end: {taken} bytes, then {last}; {hub.Pool!.UsedBytes} bytes of memory are in use.");
        Assert.True(hub.Pool!.UsedBytes < 4 << 20, $"{hub.Pool.UsedBytes} bytes of message memory are in use.");
        other.Send([3, 0, 0, 0, 0, 0, 0, 0]);
        other.Receive(new byte[16]);
    }
}
