using System.Text;
using MessageDelivery.Load.WebSockets;

namespace MessageDelivery.Load.Protocols;

/// <summary>
/// Socket.IO 5 on Engine.IO 4, over WebSocket from the beginning. Messages are text events, which are one frame; one with bytes would be two.
/// The server lets who asks for it into a room, and hands each event on to the room that it names.
/// </summary>
internal sealed class SocketIoProtocol(int bodyBytes) : WireProtocol(bodyBytes)
{
    private const string Ping = "2";

    public override Upgrade Upgrade { get; } = new("/socket.io/?EIO=4&transport=websocket");

    public override bool NeedsWebSocket => true;

    public override bool IsText => true;

    public override bool FramesEachPublish => true;

    public override int DeliveryHeadBytes => "42[\"m\",\"".Length;

    public override byte DeliveryFirstByte => (byte)'4';

    public override ReadOnlySpan<byte> Tail => "\"]"u8;

    public override ulong LogIn(Connection connection, int? channel)
    {
        Expect(connection, "0{", '}');
        connection.Send("40"u8, ClientFrame.Text);
        Expect(connection, "40{", '}');
        if (channel is { } number)
        {
            connection.Send(Encoding.ASCII.GetBytes($"420[\"join\",\"{ChannelName((ulong)number)}\"]"), ClientFrame.Text);
            Expect(connection, "430[", ']');
        }

        return (ulong)(channel ?? 0);
    }

    public override byte[] Head(ReadOnlySpan<ulong> addresses) => Encoding.ASCII.GetBytes($"42[\"to\",\"{ChannelName(addresses[0])}\",\"");

    /// <summary>The server asks now and then, and waits for an answer longer than a run takes.</summary>
    public override int BytesToPassOver(byte first) => first == (byte)Ping[0] ? Ping.Length : 0;

    public override string? FaultIn(ReadOnlySpan<byte> received) => received.SequenceEqual("2"u8) ? null : Describe(received);

    private static void Expect(Connection connection, string begin, char end)
    {
        var packet = new StringBuilder();
        do
        {
            packet.Append((char)connection.ReceiveAll(1)[0]);
            if (packet.Length == begin.Length && packet.ToString() != begin)
            {
                throw new LoadException($"the log-in was answered with '{packet}', not '{begin}'");
            }
        }
        while (packet[^1] != end);
    }
}
