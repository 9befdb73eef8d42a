using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>A binary user on a blocking socket, whose own code allocates nothing while it sends and receives.</summary>
internal sealed class Peer : IDisposable
{
    private readonly int _descriptor;

    public Peer(EndPoint hub, int? receiveBufferBytes = null)
    {
        Socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        // The kernel's own time-outs (socket(7)) and its own calls: with .NET's, each wait allocates.
        Socket.SetRawSocketOption(1, 20, Seconds(20));
        Socket.SetRawSocketOption(1, 21, Seconds(20));
        if (receiveBufferBytes is { } bytes)
        {
            Socket.ReceiveBufferSize = bytes;
        }

        Socket.Connect(hub);
        Socket.Blocking = true;
        _descriptor = (int)Socket.Handle;
        Span<byte> hello = stackalloc byte[12];
        new FrameHeader(FrameType.Hello, 0, ProtocolLimits.Version, 4).Write(hello);
        "MDS1"u8.CopyTo(hello[8..]);
        Send(hello);
        Span<byte> welcome = stackalloc byte[24];
        Receive(welcome);
        Assert.Equal(FrameType.Welcome, FrameHeader.Read(welcome).Type);
        Id = BinaryPrimitives.ReadUInt64LittleEndian(welcome[8..]);
    }

    public Socket Socket { get; }

    public ulong Id { get; }

    public static byte[] Relay(byte[] body, RelayFlags flags, params ulong[] receivers)
    {
        int head = RelayLayout.HeadBytes(flags, receivers.Length);
        var frame = new byte[head + body.Length];
        new FrameHeader(FrameType.Relay, (byte)flags, (ushort)receivers.Length, (uint)(frame.Length - 8)).Write(frame);
        for (int i = 0; i < receivers.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(head - (8 * (receivers.Length - i))), receivers[i]);
        }

        body.CopyTo(frame, head);
        return frame;
    }

    public unsafe void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            fixed (byte* start = bytes)
            {
                bytes = bytes[Checked(Libc.Send(_descriptor, start, bytes.Length, Libc.MsgNoSignal))..];
            }
        }
    }

    /// <summary>Sends the same bytes again and again until the hub has taken nothing for half a second; returns how often in full.</summary>
    public long SendUntilHeldBack(byte[] bytes)
    {
        Socket.Blocking = false;
        int offset = 0;
        long times = 0;
        for (int idle = 0; idle < 50;)
        {
            Assert.True(times * bytes.Length < 1L << 30, "The hub took without end what nobody reads.");
            int sent = Socket.Send(bytes.AsSpan(offset), SocketFlags.None, out var error);
            Assert.True(error is SocketError.Success or SocketError.WouldBlock, $"{error} while sending");
            idle = error == SocketError.Success ? 0 : idle + 1;
            offset += sent;
            times += offset / bytes.Length;
            offset %= bytes.Length;
            Thread.Sleep(idle > 0 ? 10 : 0);
        }

        return times;
    }

    public unsafe void Receive(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            fixed (byte* start = bytes)
            {
                bytes = bytes[Checked(Libc.Receive(_descriptor, start, bytes.Length, 0))..];
            }
        }
    }

    public void Dispose() => Socket.Dispose();

    private static int Checked(nint moved)
    {
        Assert.True(moved > 0, moved == 0 ? "The hub closed the connection." : "The connection broke, or nothing moved for 20 s.");
        return (int)moved;
    }

    private static byte[] Seconds(long seconds) => [.. BitConverter.GetBytes(seconds), .. new byte[8]];
}
