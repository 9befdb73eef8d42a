using System.Buffers.Binary;
using MessageDelivery.Protocol;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Clients;

/// <summary>Frames of the binary protocol that a client sends.</summary>
internal static class RelayBytes
{
    /// <summary>A RELAY whose correlation, if it has one, is its number.</summary>
    public static byte[] Relay(in RelayDraft draft, uint run, ulong session, long number)
    {
        int head = RelayLayout.HeadBytes(draft.Flags, draft.Receivers.Length);
        byte[] frame = new byte[head + draft.BodyBytes];
        new FrameHeader(FrameType.Relay, (byte)draft.Flags, (ushort)draft.Receivers.Length, (uint)(frame.Length - ProtocolLimits.HeaderBytes)).Write(frame);
        if (draft.Flags.HasFlag(RelayFlags.Receipt))
        {
            BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(ProtocolLimits.HeaderBytes), number);
        }

        for (int i = 0; i < draft.Receivers.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(head - (8 * (draft.Receivers.Length - i))), draft.Receivers[i]);
        }

        Body.Write(frame.AsSpan(head), run, session, number, draft.IsText);
        return frame;
    }

    public static byte[] Hello(HelloFlags flags, byte[]? key, long framesReceived)
    {
        var payload = new HelloPayload { SessionKey = key, FramesReceived = (ulong)framesReceived };
        byte[] frame = new byte[ProtocolLimits.HeaderBytes + payload.Length];
        new FrameHeader(FrameType.Hello, (byte)flags, ProtocolLimits.Version, (uint)payload.Length).Write(frame);
        payload.Write(frame.AsSpan(ProtocolLimits.HeaderBytes));
        return frame;
    }

    public static byte[] Ack(long total)
    {
        byte[] frame = new byte[ProtocolLimits.HeaderBytes + 8];
        new FrameHeader(FrameType.Ack, 0, 0, 8).Write(frame);
        BinaryPrimitives.WriteInt64LittleEndian(frame.AsSpan(ProtocolLimits.HeaderBytes), total);
        return frame;
    }

    public static byte[] Empty(FrameType type)
    {
        byte[] frame = new byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(type, 0, 0, 0).Write(frame);
        return frame;
    }
}
