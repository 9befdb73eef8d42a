using System.Net;
using System.Net.Sockets;
using System.Text;
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

    // What comes after the log-in is for the measured loop: not a byte of it is read ahead.
    private Connection(WireConnection wire)
    {
        _wire = wire;
        wire.ReadsAhead = false;
        Fd = (int)wire.Socket.Handle;
    }

    public int Fd { get; }

    public Sender? Sender { get; set; }

    public Receiver? Receiver { get; set; }

    /// <summary>Set if it belongs to a pair whose receiver never reads.</summary>
    public StoppedPair? StoppedPair { get; set; }

    /// <exception cref="LoadException">Nobody listens there, or the server did not take the connection in time.</exception>
    public static Connection Open(IPEndPoint server)
    {
        try
        {
            return new(WireConnection.Connect(server, Patience, BufferBytes));
        }
        catch (SocketException e)
        {
            throw new LoadException($"no connection to {server}: {e.Message}");
        }
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _wire.Send(bytes);
        }
        catch (SocketException e)
        {
            throw new LoadException($"the server did not take a request: {e.Message}");
        }
    }

    /// <summary>So many bytes, and not one more; valid until more is received.</summary>
    public ReadOnlySpan<byte> ReceiveAll(int count) => Receive(() => _wire.ReceiveExactly(count)).Span;

    /// <summary>One line, without its CR LF, and not a byte more.</summary>
    public string ReceiveLine() => Encoding.ASCII.GetString(Receive(_wire.ReceiveLine).Span).TrimEnd();

    /// <summary>One frame of a hub, and not a byte more; its payload is valid until more is received.</summary>
    public Frame ReceiveFrame() => Receive(_wire.ReceiveFrame);

    public void Dispose() => _wire.Dispose();

    private static T Receive<T>(Func<T> receive)
    {
        try
        {
            return receive();
        }
        catch (EndOfStreamException)
        {
            throw new LoadException("the server closed the connection instead of an answer");
        }
        catch (Exception e) when (e is SocketException or InvalidDataException)
        {
            throw new LoadException($"no answer: {e.Message}");
        }
    }
}
