using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Load.Protocols;

/// <summary>The hub's binary protocol; see docs/protocol.md. The floor speaks as much of it as this uses.</summary>
internal class MdsProtocol(int bodyBytes) : WireProtocol(bodyBytes)
{
    public override bool ListsReceivers => true;

    public override Upgrade Upgrade { get; } = new("/ws", "mds.v1");

    public override int DeliveryHeadBytes => ProtocolLimits.DeliveryHeaderBytes;

    public override byte DeliveryFirstByte => (byte)FrameType.Delivery;

    protected virtual HelloFlags Flags => HelloFlags.None;

    public override ulong LogIn(Connection connection, int? channel)
    {
        connection.Send(FrameBytes.Hello(Flags));
        var answer = connection.ReceiveFrame();
        return answer.Type == FrameType.Welcome && WelcomePayload.TryRead(answer.Payload.Span, out var welcome)
            ? welcome.UserId
            : throw new LoadException($"HELLO was refused: code {answer.Header.Argument}, '{answer.Text}'");
    }

    public override byte[] Head(ReadOnlySpan<ulong> addresses)
    {
        byte[] head = new byte[RelayLayout.HeadBytes(RelayFlags.None, addresses.Length)];
        FrameBytes.WriteRelayHead(head, RelayFlags.None, 0, addresses, BodyBytes);
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
}
