using System.Buffers.Binary;
using System.Text;

namespace MessageDelivery.Load.Protocols;

/// <summary>MQTT 3.1.1 with QoS 0 and without keep-alive. A delivery is the publish's own bytes.</summary>
internal sealed class MqttProtocol(int bodyBytes) : WireProtocol(bodyBytes)
{
    private const byte Connect = 0x10;
    private const byte Publish = 0x30;
    private const byte Subscribe = 0x82;
    private const byte Failure = 0x80;

    public override int DeliveryHeadBytes => Head([0]).Length;

    public override byte DeliveryFirstByte => Publish;

    public override ulong LogIn(Connection connection, int? channel)
    {
        // Protocol name and level, a clean session, no keep-alive, a client id of its own.
        connection.Send(Packet(Connect, [.. Text("MQTT"), 4, 2, 0, 0, .. Text($"load-{Environment.ProcessId}-{connection.Fd}")]));
        var accepted = connection.ReceiveAll(4);
        if (accepted[3] != 0)
        {
            throw new LoadException($"CONNECT was refused with return code {accepted[3]}");
        }

        if (channel is not null)
        {
            connection.Send(Packet(Subscribe, [0, 1, .. Text(ChannelName((ulong)channel)), 0]));
            var granted = connection.ReceiveAll(5);
            if (granted[4] == Failure)
            {
                throw new LoadException($"SUBSCRIBE to {ChannelName((ulong)channel)} was refused");
            }
        }

        return (ulong)(channel ?? 0);
    }

    public override byte[] Head(ReadOnlySpan<ulong> addresses)
    {
        byte[] topic = Text(ChannelName(addresses[0]));
        return [Publish, .. RemainingLength(topic.Length + BodyBytes), .. topic];
    }

    public override string Describe(ReadOnlySpan<byte> bytes) => $"the server sent packet type 0x{bytes[0]:X2}";

    private static byte[] Packet(byte type, byte[] rest) => [type, .. RemainingLength(rest.Length), .. rest];

    private static byte[] Text(string text)
    {
        byte[] length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)text.Length);
        return [.. length, .. Encoding.ASCII.GetBytes(text)];
    }

    private static byte[] RemainingLength(int length)
    {
        var bytes = new List<byte>(4);
        do
        {
            bytes.Add((byte)((length & 0x7F) | (length > 0x7F ? 0x80 : 0)));
            length >>= 7;
        }
        while (length > 0);
        return [.. bytes];
    }
}
