using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Load.Protocols;
using MessageDelivery.Load.WebSockets;
using MessageDelivery.RawClient;

namespace MessageDelivery.Load;

/// <summary>
/// One socket. It blocks while it logs in; the measured loop then uses its descriptor with calls that do not. It sends, or
/// receives, or both.
/// </summary>
internal sealed class Connection : IDisposable
{
    // There may be a hundred thousand; more comes where a log-in is longer.
    private const int BufferBytes = 128;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly WireConnection _wire;
    private readonly ReceiveBuffer _received = new(BufferBytes);

    private Connection(WireConnection wire)
    {
        _wire = wire;
        Fd = (int)wire.Socket.Handle;
    }

    public int Fd { get; }

    public Sender? Sender { get; set; }

    public Receiver? Receiver { get; set; }

    /// <summary>Set if it belongs to a pair whose receiver never reads.</summary>
    public StoppedPair? StoppedPair { get; set; }

    /// <summary>What takes the frames of WebSocket off; null without.</summary>
    public ServerFrames? WebSocket { get; private set; }

    /// <param name="upgrade">How it becomes a connection of WebSocket; null if it does not.</param>
    /// <exception cref="LoadException">Nobody listens there, or the server did not take the connection in time.</exception>
    public static Connection Open(IPEndPoint server, Upgrade? upgrade)
    {
        Connection connection;
        try
        {
            connection = new(WireConnection.Connect(server, Patience, BufferBytes));
        }
        catch (SocketException e)
        {
            throw new LoadException($"no connection to {server}: {e.Message}");
        }

        try
        {
            if (upgrade is not null)
            {
                connection.BecomeWebSocket(upgrade);
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Over WebSocket a message.</summary>
    public void Send(ReadOnlySpan<byte> bytes, byte opcode = ClientFrame.Binary)
    {
        try
        {
            _wire.Send(WebSocket is null ? bytes : ClientFrame.Create(opcode, bytes));
        }
        catch (SocketException e)
        {
            throw new LoadException($"the server did not take a request: {e.Message}");
        }
    }

    /// <summary>So many bytes, and not one more; valid until more is received.</summary>
    public ReadOnlySpan<byte> ReceiveAll(int count)
    {
        while (_received.Count < count)
        {
            Receive(count - _received.Count);
        }

        return _received.Take(count).Span;
    }

    /// <summary>One line, without its CR LF, and not a byte more.</summary>
    public string ReceiveLine()
    {
        ReadOnlyMemory<byte> line;
        while (!_received.TryTakeLine(out line))
        {
            Receive(1);
        }

        return Encoding.ASCII.GetString(line.Span).TrimEnd();
    }

    /// <summary>One frame of a hub, and not a byte more; its payload is valid until more is received.</summary>
    public Frame ReceiveFrame()
    {
        Frame frame;
        while (!IsThere(out frame))
        {
            Receive(_received.MissingOfFrame);
        }

        return frame;
    }

    public void Dispose() => _wire.Dispose();

    private void BecomeWebSocket(Upgrade upgrade)
    {
        Send(ClientFrame.Upgrade($"{_wire.Socket.RemoteEndPoint}", upgrade.Path, upgrade.Subprotocol));
        string status = ReceiveLine();
        if (!status.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            throw new LoadException($"the upgrade to WebSocket was answered with '{status}'");
        }

        while (ReceiveLine().Length > 0)
        {
            // What else the answer says is of no interest.
        }

        WebSocket = new();
    }

    private bool IsThere(out Frame frame)
    {
        try
        {
            return _received.TryTakeFrame(out frame);
        }
        catch (InvalidDataException e)
        {
            throw new LoadException($"no answer: {e.Message}");
        }
    }

    /// <summary>Receives so many bytes at most: what comes after the log-in is for the measured loop, and not a byte of it is read ahead.</summary>
    private void Receive(int maxBytes)
    {
        try
        {
            var room = _received.Room().Span;
            room = room[..Math.Min(room.Length, maxBytes)];
            room = room[.._wire.Socket.Receive(room)];
            if (room.IsEmpty)
            {
                throw new LoadException($"the server closed the connection instead of an answer{(WebSocket?.Closing is { } closing ? $": {closing}" : "")}");
            }

            _received.Commit(WebSocket is null ? room.Length : WebSocket.Unframe(room));
        }
        catch (Exception e) when (e is SocketException or InvalidDataException)
        {
            throw new LoadException($"no answer: {e.Message}");
        }
    }
}
