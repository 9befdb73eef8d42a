using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Load.Protocols;

/// <summary>The hub's binary protocol; see docs/protocol.md. The floor speaks as much of it as this uses.</summary>
internal class MdsProtocol(int bodyBytes) : WireProtocol(bodyBytes)
{
    public override bool ListsReceivers => true;

    public override int DeliveryHeadBytes => ProtocolLimits.DeliveryHeaderBytes;

    public override byte DeliveryFirstByte => (byte)FrameType.Delivery;

    protected virtual HelloFlags Flags => HelloFlags.None;

    public override ulong LogIn(Connection connection, int? channel)
    {
        var hello = new HelloPayload();
        byte[] frame = new byte[ProtocolLimits.HeaderBytes + hello.Length];
        new FrameHeader(FrameType.Hello, (byte)Flags, ProtocolLimits.Version, (uint)hello.Length).Write(frame);
        hello.Write(frame.AsSpan(ProtocolLimits.HeaderBytes));
        connection.Send(frame);
        var (header, payload) = ReceiveFrame(connection);
        return header.Type == FrameType.Welcome && WelcomePayload.TryRead(payload, out var welcome)
            ? welcome.UserId
            : throw new LoadException($"HELLO was refused: code {header.Argument}, '{Encoding.UTF8.GetString(payload)}'");
    }

    public override byte[] Head(ReadOnlySpan<ulong> addresses)
    {
        byte[] head = new byte[RelayLayout.HeadBytes(RelayFlags.None, addresses.Length)];
        uint length = (uint)(head.Length - ProtocolLimits.HeaderBytes + BodyBytes);
        new FrameHeader(FrameType.Relay, 0, (ushort)addresses.Length, length).Write(head);
        for (int i = 0; i < addresses.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(ProtocolLimits.HeaderBytes + (8 * i)), addresses[i]);
        }

        return head;
    }

    public override string Describe(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < ProtocolLimits.HeaderBytes)
        {
            return $"the hub sent frame type 0x{bytes[0]:X2}";
        }

        var header = FrameHeader.Read(bytes);
        var payload = bytes[ProtocolLimits.HeaderBytes..];
        return header.Type is FrameType.Error or FrameType.GoodbyeReply
            ? $"the hub sent {header.Type} {((ProtocolCode)header.Argument).Name()}: "
                + Encoding.UTF8.GetString(payload[..(int)Math.Min((uint)payload.Length, header.Length)])
            : $"the hub sent frame type 0x{bytes[0]:X2}";
    }

    /// <summary>The next frame, where exactly that is expected.</summary>
    public static (FrameHeader Header, byte[] Payload) ReceiveFrame(Connection connection)
    {
        Span<byte> start = stackalloc byte[ProtocolLimits.HeaderBytes];
        connection.ReceiveAll(start);
        var header = FrameHeader.Read(start);
        byte[] payload = new byte[header.Length];
        connection.ReceiveAll(payload);
        return (header, payload);
    }
}
