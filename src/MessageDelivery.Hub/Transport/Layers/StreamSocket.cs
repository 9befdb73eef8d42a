using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Receiving into blocks and sending from segments, on a socket that does not block.</summary>
internal static unsafe class StreamSocket
{
    /// <summary>Returns as <see cref="ByteLayer.Receive"/> does.</summary>
    public static long Receive(int socket, Span<byte> destination)
    {
        fixed (byte* buffer = destination)
        {
            return ReceiveCore(socket, buffer, destination.Length, Libc.MsgDontWait);
        }
    }

    /// <summary>Receives and forgets (MSG_TRUNC, tcp(7)); returns as <see cref="Receive"/> does.</summary>
    public static long Drop(int socket, int length) => ReceiveCore(socket, null, length, Libc.MsgDontWait | Libc.MsgTruncate);

    /// <summary>Looks at what is to be received, and leaves it; returns as <see cref="Receive"/> does.</summary>
    public static long Peek(int socket, Span<byte> destination)
    {
        fixed (byte* buffer = destination)
        {
            return ReceiveCore(socket, buffer, destination.Length, Libc.MsgDontWait | Libc.MsgPeek);
        }
    }

    private static long ReceiveCore(int socket, void* buffer, int length, int flags)
    {
        while (true)
        {
            nint received = Libc.Receive(socket, buffer, length, flags);
            if (received >= 0)
            {
                return received;
            }

            int error = Libc.LastError;
            if (error != Libc.Interrupted)
            {
                return error == Libc.TryAgain ? ByteLayer.WouldBlock : ByteLayer.Broken;
            }
        }
    }

    /// <summary>Bytes the kernel has taken, possibly none; <see cref="ByteLayer.Broken"/> if it takes no more for good.</summary>
    public static long Send(int socket, ReadOnlySpan<Segment> segments)
    {
        if (segments.Length == 1)
        {
            var segment = segments[0];
            return Result(Libc.Send(socket, segment.Block.Address(segment.Offset), segment.Length, Flags));
        }

        var vectors = stackalloc Libc.IoVector[segments.Length];
        Point(vectors, segments);
        var message = new Libc.MessageHeader { Vectors = vectors, VectorCount = segments.Length };
        return Result(Libc.SendMessage(socket, &message, Flags));
    }

    /// <summary>The same with bytes from any memory in front.</summary>
    public static long Send(int socket, ReadOnlySpan<byte> head, ReadOnlySpan<Segment> segments)
    {
        var vectors = stackalloc Libc.IoVector[segments.Length + 1];
        fixed (byte* front = head)
        {
            vectors[0].Address = front;
            vectors[0].Length = head.Length;
            Point(vectors + 1, segments);
            var message = new Libc.MessageHeader { Vectors = vectors, VectorCount = segments.Length + 1 };
            return Result(Libc.SendMessage(socket, &message, Flags));
        }
    }

    private static void Point(Libc.IoVector* vectors, ReadOnlySpan<Segment> segments)
    {
        for (int i = 0; i < segments.Length; i++)
        {
            ref readonly var segment = ref segments[i];
            vectors[i].Address = segment.Block.Address(segment.Offset);
            vectors[i].Length = segment.Length;
        }
    }

    /// <summary>The same, from any memory.</summary>
    public static long Send(int socket, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* buffer = bytes)
        {
            return Result(Libc.Send(socket, buffer, bytes.Length, Flags));
        }
    }

    /// <summary>Bytes that the kernel has taken and the peer's has not acknowledged (SIOCOUTQ, tcp(7)).</summary>
    public static int Unacknowledged(int socket)
    {
        int bytes = 0;
        return Libc.Control(socket, Libc.BytesNotAcknowledged, &bytes) == 0 ? bytes : 0;
    }

    /// <summary>Makes closing it reset the connection and drop what the kernel holds.</summary>
    public static void ResetOnClose(int socket)
    {
        var linger = stackalloc int[2] { 1, 0 };
        Libc.SetSocketOption(socket, Libc.LevelSocket, Libc.OptionLinger, linger, 2 * sizeof(int));
    }

    private const int Flags = Libc.MsgDontWait | Libc.MsgNoSignal;

    // An interrupted send that took nothing is repeated by the next flush, which a blocked queue gets from epoll only if the
    // kernel ran out of room; a socket that does not block is never interrupted, so this is not a case to handle.
    private static long Result(nint sent) =>
        sent >= 0 ? sent : Libc.LastError is Libc.TryAgain or Libc.NoBufferSpace ? 0 : ByteLayer.Broken;
}
