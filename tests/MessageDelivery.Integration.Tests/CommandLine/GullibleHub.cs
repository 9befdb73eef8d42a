using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>
/// A hub that serves honest users and falls for everything else: any line end ends a line and a body, HTTP is text, a declared length is
/// waited for, bodies are shown as they are, and no token is too long.
/// </summary>
internal sealed class GullibleHub : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Dictionary<ulong, User> _users = [];
    private readonly List<Task> _serving = [];
    private readonly Lock _lock = new();
    private readonly Task _accepting;
    private ulong _lastId;

    public GullibleHub()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public EndPoint Endpoint => _listener.LocalEndPoint!;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        lock (_lock)
        {
            foreach (User user in _users.Values)
            {
                user.Socket.Dispose();
            }
        }

        await Task.WhenAll(_serving);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync();
                socket.NoDelay = true;
                lock (_lock)
                {
                    var user = new User(socket, ++_lastId);
                    _users.Add(user.Id, user);
                    _serving.Add(Task.Run(() => ServeAsync(user)));
                }
            }
        }
        catch (SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(User user)
    {
        byte[] buffer = new byte[65_536];
        try
        {
            while (await user.Socket.ReceiveAsync(buffer) is var count and > 0)
            {
                user.Input.AddRange(buffer.AsSpan(0, count));
                user.IsBinary ??= user.Input[0] == (byte)FrameType.Hello;
                while (user.IsBinary.Value ? TakeFrame(user) : TakeLine(user))
                {
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It has gone.
        }

        lock (_lock)
        {
            _users.Remove(user.Id);
        }

        user.Socket.Dispose();
    }

    private bool TakeFrame(User user)
    {
        if (user.Input.Count < 8)
        {
            return false;
        }

        byte[] header = [.. user.Input[..8]];
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4));
        if (user.Input.Count < 8L + length)
        {
            return false;
        }

        byte[] payload = [.. user.Input[8..(8 + (int)length)]];
        user.Input.RemoveRange(0, 8 + (int)length);
        switch ((FrameType)header[0])
        {
            case FrameType.Hello:
                user.Send(Frames.Welcome(user.Id, heartbeat: 0));
                break;
            case FrameType.Identity:
                user.Send(Frames.IdentityReply(user.Id));
                break;
            case FrameType.Goodbye:
                user.Send(Frames.Build(FrameType.GoodbyeReply));
                break;
            case FrameType.Relay when payload.Length >= 8:
                Deliver(user, BinaryPrimitives.ReadUInt64LittleEndian(payload), payload[8..]);
                break;
            default:
                user.Send(Frames.Build(FrameType.Error, 0, (ushort)ProtocolCode.Unsupported, Frames.Utf8("no")));
                break;
        }

        return true;
    }

    private bool TakeLine(User user)
    {
        int end = user.Input.FindIndex(b => b is (byte)'\n' or (byte)'\r' or 0);
        if (end < 0)
        {
            return false;
        }

        string line = Encoding.UTF8.GetString([.. user.Input[..end]]);
        user.Input.RemoveRange(0, end + 1);
        string[] words = line.Split(' ', 3);
        switch (words[0])
        {
            case "" when user.Receiver is null:
                break;
            case "." when user.Receiver is { } receiver:
                Deliver(user, receiver, Frames.Utf8(string.Join('\n', user.Body)));
                user.Receiver = null;
                break;
            case var _ when user.Receiver == 0:
                user.Receiver = Number(line);
                user.Body.Clear();
                break;
            case var _ when user.Receiver is not null:
                user.Body.Add(line);
                break;
            case "relay" when words.Length > 2:
                Deliver(user, Number(words[1]), Frames.Utf8(words[2]));
                break;
            case "relay":
                user.Receiver = 0;
                break;
            case "identity" or "auth":
                user.Send(Frames.Utf8($"[Server] Your ID is {user.Id}\n"));
                break;
            default:
                user.Send(Frames.Utf8("[Server] Error: invalid_message: no\n"));
                break;
        }

        return true;
    }

    private void Deliver(User sender, ulong receiver, byte[] body)
    {
        User? found;
        lock (_lock)
        {
            _users.TryGetValue(receiver, out found);
        }

        found?.Send(found.IsBinary == true ? Frames.Delivery(sender.Id, body) : [.. body, (byte)'\n']);
    }

    private static ulong Number(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : 0;

    private sealed class User(Socket socket, ulong id)
    {
        private readonly Lock _sending = new();

        public Socket Socket { get; } = socket;

        public ulong Id { get; } = id;

        public List<byte> Input { get; } = [];

        public List<string> Body { get; } = [];

        public bool? IsBinary { get; set; }

        /// <summary>Whom the body that has begun is for; 0 while the ids are to come.</summary>
        public ulong? Receiver { get; set; }

        public void Send(byte[] bytes)
        {
            try
            {
                lock (_sending)
                {
                    Socket.Send(bytes);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // It has gone.
            }
        }
    }
}
