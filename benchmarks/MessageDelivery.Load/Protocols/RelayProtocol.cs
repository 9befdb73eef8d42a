using System.Buffers.Binary;

namespace MessageDelivery.Load.Protocols;

/// <summary>
/// What the relays of our own making speak, one in C# and one in JavaScript: each WebSocket message begins with the number of a channel and
/// goes as it is to all who subscribe to that; one with nothing behind the number subscribes, and comes back.
/// </summary>
internal sealed class RelayProtocol(int bodyBytes) : WireProtocol(bodyBytes)
{
    public override Upgrade Upgrade { get; } = new("/");

    public override bool NeedsWebSocket => true;

    public override bool FramesEachPublish => true;

    public override int DeliveryHeadBytes => sizeof(uint);

    // Of a big-endian number far below 2^24.
    public override byte DeliveryFirstByte => 0;

    public override ulong LogIn(Connection connection, int? channel)
    {
        if (channel is { } number)
        {
            byte[] head = Head([(ulong)number]);
            connection.Send(head);
            if (!connection.ReceiveAll(head.Length).SequenceEqual(head))
            {
                throw new LoadException($"the subscription to channel {number} was answered otherwise");
            }
        }

        return (ulong)(channel ?? 0);
    }

    public override byte[] Head(ReadOnlySpan<ulong> addresses)
    {
        byte[] head = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(head, (uint)addresses[0]);
        return head;
    }
}
