using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>In a WebSocket a message allocates nothing on its way either. See <see cref="AllocationTests"/>.</summary>
[Collection(nameof(AllocationTests))]
public sealed class WebSocketAllocationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(1, 100, 1)]
    [InlineData(1, 100, 16)]
    [InlineData(2, 100, 1)]
    [InlineData(1, 100_000, 1)]
    [InlineData(2, 100_000, 1)]
    public async Task A_message_allocates_nothing(int loops, int bodyBytes, int relaysInFrame)
    {
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], EventLoops = loops });
        await hub.StartAsync();
        using var sender = new WebSocketPeer(hub.Endpoints[0]);
        using var receiver = new WebSocketPeer(hub.Endpoints[0]);
        bool isLarge = bodyBytes > 1_000;
        int batch = isLarge ? 2 : 48, messages = isLarge ? 400 : 4_032;
        byte[] relay = Peer.Relay(new byte[bodyBytes], RelayFlags.None, receiver.Id);
        byte[] frame = WebSocketFrames.Frame([.. Enumerable.Repeat(relay, relaysInFrame).SelectMany(bytes => bytes)]);
        byte[] frames = [.. Enumerable.Repeat(frame, batch / relaysInFrame).SelectMany(bytes => bytes)];
        long deliveries = batch * (16L + bodyBytes);
        const int allowed = 200;
        long best = long.MaxValue;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience && best > allowed;)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int sent = 0; sent < messages; sent += batch)
            {
                sender.Send(frames);
                receiver.Receive(deliveries);
            }

            best = Math.Min(best, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Assert.True(best <= allowed, $"{best} bytes for {messages} messages");
        sender.Dispose();
        receiver.Dispose();
        await hub.StopAsync();
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    /// <summary>A user on a blocking socket, whose own code allocates nothing while it sends and receives.</summary>
    private sealed class WebSocketPeer : IDisposable
    {
        private readonly Socket _socket;
        private readonly byte[] _received = new byte[64 << 10];
        private int _start;
        private int _end;
        private long _left;

        public WebSocketPeer(EndPoint hub)
        {
            _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            // The kernel's own time-out (socket(7)): with .NET's, each wait allocates.
            byte[] patience = new byte[16];
            patience[0] = 20;
            _socket.SetRawSocketOption(1, 20, patience);
            _socket.Connect(hub);
            _socket.Blocking = true;
            Send(System.Text.Encoding.ASCII.GetBytes(WebSocketFrames.Request("localhost")));
            while (!_received.AsSpan(0, _end).EndsWith("\r\n\r\n"u8))
            {
                Fill();
            }

            _start = _end = 0;
            Send(WebSocketFrames.Frame([1, 0, 1, 0, 4, 0, 0, 0, .. "MDS1"u8]));
            while (_end < 2 + 24)
            {
                Fill();
            }

            Id = BinaryPrimitives.ReadUInt64LittleEndian(_received.AsSpan(2 + 8));
            _start = _end = 0;
        }

        public ulong Id { get; }

        public unsafe void Send(ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                fixed (byte* start = bytes)
                {
                    bytes = bytes[(int)Libc.Send((int)_socket.Handle, start, bytes.Length, Libc.MsgNoSignal)..];
                }
            }
        }

        /// <summary>Receives so many bytes of payload.</summary>
        public void Receive(long bytes)
        {
            while (bytes > 0)
            {
                if (_left > 0 && _start < _end)
                {
                    int here = (int)Math.Min(_left, _end - _start);
                    _left -= here;
                    _start += here;
                    bytes -= here;
                    continue;
                }

                if (_end - _start >= 4)
                {
                    bool isLong = _received[_start + 1] == 126;
                    _left = isLong ? BinaryPrimitives.ReadUInt16BigEndian(_received.AsSpan(_start + 2)) : _received[_start + 1];
                    _start += isLong ? 4 : 2;
                    continue;
                }

                _received.AsSpan(_start, _end - _start).CopyTo(_received);
                _end -= _start;
                _start = 0;
                Fill();
            }
        }

        public void Dispose() => _socket.Dispose();

        private unsafe void Fill()
        {
            fixed (byte* room = &_received[_end])
            {
                nint count = Libc.Receive((int)_socket.Handle, room, _received.Length - _end, 0);
                Assert.True(count > 0);
                _end += (int)count;
            }
        }
    }
}
