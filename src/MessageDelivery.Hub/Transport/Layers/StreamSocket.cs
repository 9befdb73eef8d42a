using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Receiving and sending, on a socket that does not block.</summary>
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
    public static long Send(int socket, ReadOnlySpan<Libc.IoVector> vectors)
    {
        if (vectors.Length == 1)
        {
            return Result(Libc.Send(socket, vectors[0].Address, vectors[0].Length, Flags));
        }

        fixed (Libc.IoVector* first = vectors)
        {
            var message = new Libc.MessageHeader { Vectors = first, VectorCount = vectors.Length };
            return Result(Libc.SendMessage(socket, &message, Flags));
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
