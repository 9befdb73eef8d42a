using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MessageDelivery.Load;

/// <summary>
/// One socket. It blocks while it logs in; the measured loop then uses its descriptor with calls that do not. It sends, or
/// receives, or both.
/// </summary>
internal sealed class Connection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Socket _socket;

    private Connection(Socket socket)
    {
        _socket = socket;
        Fd = (int)socket.Handle;
    }

    public int Fd { get; }

    public Sender? Sender { get; set; }

    public Receiver? Receiver { get; set; }

    /// <summary>Set if it belongs to a pair whose receiver never reads.</summary>
    public StoppedPair? StoppedPair { get; set; }

    /// <exception cref="LoadException">Nobody listens there, or the server did not take the connection in time.</exception>
    public static Connection Open(IPEndPoint server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = (int)Patience.TotalMilliseconds,
            SendTimeout = (int)Patience.TotalMilliseconds,
        };
        try
        {
            socket.Connect(server);
            return new(socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new LoadException($"no connection to {server}: {e.Message}");
        }
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                bytes = bytes[_socket.Send(bytes)..];
            }
        }
        catch (SocketException e)
        {
            throw new LoadException($"the server did not take a request: {e.Message}");
        }
    }

    /// <summary>Fills the destination, and receives not a byte more.</summary>
    public void ReceiveAll(Span<byte> destination)
    {
        try
        {
            while (destination.Length > 0)
            {
                int count = _socket.Receive(destination);
                destination = destination[(count > 0 ? count : throw new LoadException("the server closed the connection instead of an answer"))..];
            }
        }
        catch (SocketException e)
        {
            throw new LoadException($"no answer: {e.Message}");
        }
    }

    /// <summary>One line, without its CR LF, and not a byte more.</summary>
    public string ReceiveLine()
    {
        var line = new StringBuilder();
        Span<byte> next = stackalloc byte[1];
        do
        {
            ReceiveAll(next);
            line.Append((char)next[0]);
        }
        while (next[0] != '\n');
        return line.ToString().TrimEnd();
    }

    public void Dispose() => _socket.Dispose();
}
