using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>A hub that does to messages what no hub may do. Relays of one receiver each, no receipts.</summary>
internal sealed class BrokenHub : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Func<int, byte[], IEnumerable<byte[]>?> _deliver;
    private readonly ushort _maxBody;
    private readonly List<Socket> _users = [];
    private readonly List<Task> _serving = [];
    private readonly Lock _lock = new();
    private readonly Task _accepting;
    private int _relays;

    /// <param name="deliver">The bodies to deliver when the relay with this number comes, from 0; null answers it with an ERROR.</param>
    /// <param name="maxBody">What it says in WELCOME.</param>
    public BrokenHub(Func<int, byte[], IEnumerable<byte[]>?> deliver, ushort maxBody = ushort.MaxValue)
    {
        (_deliver, _maxBody) = (deliver, maxBody);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public EndPoint Endpoint => _listener.LocalEndPoint!;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        _users.ForEach(user => user.Dispose());
        await Task.WhenAll(_serving);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var user = await _listener.AcceptAsync();
                user.NoDelay = true;
                lock (_lock)
                {
                    _users.Add(user);
                    _serving.Add(ServeAsync(user, (ulong)_users.Count));
                }
            }
        }
        catch (SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket user, ulong id)
    {
        try
        {
            using var stream = new NetworkStream(user);
            while (true)
            {
                byte[] head = new byte[8];
                await stream.ReadExactlyAsync(head);
                byte[] payload = new byte[BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(4))];
                await stream.ReadExactlyAsync(payload);
                lock (_lock)
                {
                    Answer(user, id, (FrameType)head[0], payload);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            // It has gone.
        }
    }

    private void Answer(Socket user, ulong id, FrameType type, byte[] payload)
    {
        switch (type)
        {
            case FrameType.Hello:
                user.Send(Frames.Build(FrameType.Welcome, 0, 1, Frames.Number(id), [(byte)_maxBody, (byte)(_maxBody >> 8), 0, 0, 0xFF, 0, 0, 0]));
                break;
            case FrameType.Goodbye:
                user.Send(Frames.Build(FrameType.GoodbyeReply));
                break;
            case FrameType.Relay when _deliver(_relays++, payload[8..]) is { } bodies:
                var receiver = _users[(int)BinaryPrimitives.ReadUInt64LittleEndian(payload) - 1];
                receiver.Send(Frames.Join([.. bodies.Select(body => Frames.Delivery(id, body))]));
                break;
            default:
                user.Send(Frames.Build(FrameType.Error, 0, (ushort)ProtocolCode.Overloaded, Frames.Utf8("no room today")));
                break;
        }
    }
}
