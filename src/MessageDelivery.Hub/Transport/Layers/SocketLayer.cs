using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>A TCP socket that does not block. The lowest layer of a connection from another process.</summary>
internal sealed class SocketLayer(int socket) : ByteLayer
{
    private PeerLife _life;

    public override int Descriptor => socket;

    public override int UnacknowledgedBytes => StreamSocket.Unacknowledged(socket);

    public override long Receive(Span<byte> destination, LoopCounters counters, out bool more)
    {
        long received = StreamSocket.Receive(socket, destination);
        counters.BytesReceived += Math.Max(received, 0);
        // A short read has emptied the socket (epoll(7)), unless its end is behind the bytes.
        more = received == destination.Length;
        return received;
    }

    public override long Peek(Span<byte> destination) => StreamSocket.Peek(socket, destination);

    public override long Drop(int bytes) => StreamSocket.Drop(socket, bytes);

    public override long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters)
    {
        long sent = StreamSocket.Send(socket, vectors);
        counters.BytesSent += Math.Max(sent, 0);
        _life.NoteSent();
        return sent;
    }

    public override bool TryFinish(LoopCounters counters)
    {
        Libc.Shutdown(socket, Libc.ShutdownWrite);
        return true;
    }

    public override bool HasVanished(long afterMilliseconds) => _life.HasVanished(socket, afterMilliseconds);

    public override void ResetOnClose() => StreamSocket.ResetOnClose(socket);

    public override void Close() => Libc.Close(socket);
}
