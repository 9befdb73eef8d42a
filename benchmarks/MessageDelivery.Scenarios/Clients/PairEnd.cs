using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>One of two users who send each other numbered messages, one at a time.</summary>
internal interface IPairEnd : IDisposable
{
    ulong UserId { get; }

    void Send(ulong to, long number);

    /// <summary>Waits for the next message; its number.</summary>
    long Receive();
}

internal sealed class BinaryPairEnd(IPEndPoint hub) : IPairEnd
{
    private const int BodyBytes = 100;

    private readonly BinaryPeer _peer = BinaryPeer.Connect(hub, 64 << 10);
    private readonly byte[] _frame = new byte[RelayFrame.Bytes(RelayFlags.None, BodyBytes)];

    public ulong UserId => _peer.UserId;

    public void Send(ulong to, long number)
    {
        RelayFrame.Write(_frame, RelayFlags.None, 0, to, UserId, number);
        _peer.Send(_frame);
    }

    public long Receive()
    {
        var frame = _peer.Receive();
        return frame.Header.Type == FrameType.Delivery
            ? RelayFrame.Read(frame.Payload.Span).Number
            : throw new InvalidDataException($"a {frame.Header.Type} came instead of a delivery");
    }

    public void Dispose() => _peer.Dispose();
}

internal sealed class TextPairEnd : IPairEnd
{
    private const string IdAnswer = "[Server] Your ID is ";

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly StreamReader _lines;

    public TextPairEnd(IPEndPoint hub)
    {
        _socket.ReceiveTimeout = 60_000;
        _socket.Connect(hub);
        _lines = new(new NetworkStream(_socket), Encoding.UTF8);
        _socket.Send("identity\n"u8);
        string line = ReadLine();
        UserId = line.StartsWith(IdAnswer, StringComparison.Ordinal)
            ? ulong.Parse(line.AsSpan(IdAnswer.Length), CultureInfo.InvariantCulture)
            : throw new InvalidDataException($"the hub says '{line}'");
    }

    public ulong UserId { get; }

    public void Send(ulong to, long number) =>
        _socket.Send(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"relay {to} {number}\n")));

    public long Receive()
    {
        string line = ReadLine();
        return long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new InvalidDataException($"'{line}' came instead of a number");
    }

    public void Dispose()
    {
        _lines.Dispose();
        _socket.Dispose();
    }

    private string ReadLine() => _lines.ReadLine() ?? throw new EndOfStreamException("the hub closed the connection");
}
