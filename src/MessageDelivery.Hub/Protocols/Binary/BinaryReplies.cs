using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>The hub's own frames, written to a connection's queue.</summary>
internal static class BinaryReplies
{
    private const int GoodbyeBytes = ProtocolLimits.HeaderBytes + ProtocolLimits.MaxTextLength;

    /// <summary>The most bytes of a WELCOME.</summary>
    public const int WelcomeBytes = ProtocolLimits.HeaderBytes + WelcomePayload.Length + SessionTerms.Length;

    /// <summary>Writes a WELCOME; returns how long it is.</summary>
    /// <param name="connection">Who is sent it.</param>
    /// <param name="session">The session, if it can be resumed.</param>
    public static int WriteWelcome(
        Span<byte> frame, ulong userId, SessionLimits limits, Connection connection, ResumableSession? session, WelcomeFlags flags)
    {
        int length = WelcomePayload.Length;
        new WelcomePayload(userId, (uint)limits.MaxBodyBytes, (ushort)limits.MaxReceivers, limits.HeartbeatSecondsOf(connection))
            .Write(frame[ProtocolLimits.HeaderBytes..]);
        if (session is not null)
        {
            flags |= WelcomeFlags.Resumable;
            WriteTerms(frame[(ProtocolLimits.HeaderBytes + length)..], session);
            length += SessionTerms.Length;
        }

        new FrameHeader(FrameType.Welcome, (byte)flags, ProtocolLimits.Version, (uint)length).Write(frame);
        return ProtocolLimits.HeaderBytes + length;
    }

    /// <summary>Tells how many relays were processed.</summary>
    public static void SendAck(this Connection connection, ulong total) => connection.SendNumber(FrameType.AckReply, total);

    public static void SendIdentity(this Connection connection, ulong id) => connection.SendNumber(FrameType.IdentityReply, id);

    public static void SendHeartbeat(this Connection connection)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(FrameType.HeartbeatReply, 0, 0, 0).Write(frame);
        connection.Send(frame);
    }

    /// <summary>Clients with a resumable session count it, and it is kept for them.</summary>
    public static QueueResult SendReceipt(this OutboundQueue queue, IOutlet outlet, ulong correlation, ReadOnlySpan<Outcome> outcomes)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + sizeof(ulong) + ProtocolLimits.MaxReceivers];
        int length = sizeof(ulong) + outcomes.Length;
        new FrameHeader(FrameType.Receipt, 0, (ushort)outcomes.Length, (uint)length).Write(frame);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[ProtocolLimits.HeaderBytes..], correlation);
        MemoryMarshal.AsBytes(outcomes).CopyTo(frame[(ProtocolLimits.HeaderBytes + sizeof(ulong))..]);
        return queue.AddCounted(frame[..(ProtocolLimits.HeaderBytes + length)], outlet);
    }

    /// <summary>The request was wrong; the connection goes on. One with a correlation stands for a receipt, and is counted like it.</summary>
    public static void SendError(this Connection connection, ProtocolCode code, string text, ulong? correlation = null)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + ProtocolLimits.MaxTextLength];
        int used = ProtocolLimits.HeaderBytes;
        if (correlation is { } number)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(frame[used..], number);
            used += sizeof(ulong);
        }

        Encoding.UTF8.TryGetBytes(text, frame[used..], out int written);
        used += written;
        var flags = correlation is null ? ErrorFlags.None : ErrorFlags.Correlated;
        new FrameHeader(FrameType.Error, (byte)flags, (ushort)code, (uint)(used - ProtocolLimits.HeaderBytes)).Write(frame);
        if (correlation is null)
        {
            connection.Send(frame[..used]);
        }
        else
        {
            connection.Outbound.AddCounted(frame[..used], connection.Loop);
        }
    }

    /// <summary>The hub's last frame: nothing is queued behind it.</summary>
    public static void SendGoodbye(this Connection connection, Ending ending)
    {
        connection.Layer.NoteEnding((int)ending.Code, ending.Text);
        Span<byte> frame = stackalloc byte[GoodbyeBytes];
        connection.SendLast(frame[..WriteGoodbye(frame, ending)]);
    }

    /// <summary>Says goodbye and closes; of a session that outlives the connection, what is queued stays with that.</summary>
    public static void CloseWithGoodbye(this Connection connection, Ending ending)
    {
        connection.Layer.NoteEnding((int)ending.Code, ending.Text);
        Span<byte> frame = stackalloc byte[GoodbyeBytes];
        connection.Close(ending.Reason, frame[..WriteGoodbye(frame, ending)]);
    }

    private static void WriteTerms(Span<byte> destination, ResumableSession session)
    {
        Span<byte> key = stackalloc byte[ProtocolLimits.SessionKeyBytes];
        session.Key.Write(key);
        new SessionTerms
        {
            Key = key,
            RelaysProcessed = session.Processed.Total,
            WindowSeconds = (uint)(session.Term.WindowMilliseconds / 1_000),
            RetentionBytes = (uint)Math.Min(session.Term.RetentionBytes, uint.MaxValue),
        }.Write(destination);
        session.Processed.Told();
    }

    private static void SendNumber(this Connection connection, FrameType type, ulong number)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + sizeof(ulong)];
        new FrameHeader(type, 0, 0, sizeof(ulong)).Write(frame);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[ProtocolLimits.HeaderBytes..], number);
        connection.Send(frame);
    }

    private static int WriteGoodbye(Span<byte> frame, Ending ending)
    {
        Encoding.UTF8.TryGetBytes(ending.Text, frame[ProtocolLimits.HeaderBytes..], out int written);
        new FrameHeader(FrameType.GoodbyeReply, 0, (ushort)ending.Code, (uint)written).Write(frame);
        return ProtocolLimits.HeaderBytes + written;
    }
}
