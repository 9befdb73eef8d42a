using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Sessions;

/// <summary>The hub's own frames, written to a connection's queue.</summary>
internal static class BinaryReplies
{
    /// <summary>In front of whatever was kept back for the user while its HELLO was coming.</summary>
    public static void SendWelcome(this Connection connection, in WelcomePayload welcome)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + WelcomePayload.Length];
        new FrameHeader(FrameType.Welcome, 0, ProtocolLimits.Version, WelcomePayload.Length).Write(frame);
        welcome.Write(frame[ProtocolLimits.HeaderBytes..]);
        connection.Outbound.Uncork(frame, connection.Loop, connection);
    }

    public static void SendIdentity(this Connection connection, ulong id)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + sizeof(ulong)];
        new FrameHeader(FrameType.IdentityReply, 0, 0, sizeof(ulong)).Write(frame);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[ProtocolLimits.HeaderBytes..], id);
        connection.Send(frame);
    }

    public static void SendHeartbeat(this Connection connection)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(FrameType.HeartbeatReply, 0, 0, 0).Write(frame);
        connection.Send(frame);
    }

    public static void SendReceipt(this Connection connection, ulong correlation, ReadOnlySpan<Outcome> outcomes)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + sizeof(ulong) + ProtocolLimits.MaxReceivers];
        int length = sizeof(ulong) + outcomes.Length;
        new FrameHeader(FrameType.Receipt, 0, (ushort)outcomes.Length, (uint)length).Write(frame);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[ProtocolLimits.HeaderBytes..], correlation);
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(outcomes).CopyTo(frame[(ProtocolLimits.HeaderBytes + sizeof(ulong))..]);
        connection.Send(frame[..(ProtocolLimits.HeaderBytes + length)]);
    }

    /// <summary>The request was wrong; the connection goes on.</summary>
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
        connection.Send(frame[..used]);
    }

    /// <summary>The hub's last frame: nothing is queued behind it.</summary>
    public static void SendGoodbye(this Connection connection, ProtocolCode code, string text)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + ProtocolLimits.MaxTextLength];
        Encoding.UTF8.TryGetBytes(text, frame[ProtocolLimits.HeaderBytes..], out int written);
        new FrameHeader(FrameType.GoodbyeReply, 0, (ushort)code, (uint)written).Write(frame);
        connection.SendLast(frame[..(ProtocolLimits.HeaderBytes + written)]);
    }
}
