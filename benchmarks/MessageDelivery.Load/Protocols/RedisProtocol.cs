using System.Text;

namespace MessageDelivery.Load.Protocols;

/// <summary>RESP2, as Redis, Valkey and Garnet speak it. Who subscribes may not publish there; who publishes gets a count back.</summary>
internal sealed class RedisProtocol(int bodyBytes) : WireProtocol(bodyBytes)
{
    public override bool PublishesWhereItReceives => false;

    public override int DeliveryHeadBytes => $"*3\r\n$7\r\nmessage\r\n{Argument(ChannelName(0))}${BodyBytes}\r\n".Length;

    public override byte DeliveryFirstByte => (byte)'*';

    public override ReadOnlySpan<byte> Tail => "\r\n"u8;

    public override ulong LogIn(Connection connection, int? channel)
    {
        connection.Send(channel is null
            ? "*1\r\n$4\r\nPING\r\n"u8
            : Encoding.ASCII.GetBytes($"*2\r\n{Argument("SUBSCRIBE")}{Argument(ChannelName((ulong)channel))}"));
        string last = channel is null ? "+PONG" : ":1";
        for (string line = connection.ReceiveLine(); line != last; line = connection.ReceiveLine())
        {
            if (line.StartsWith('-'))
            {
                throw new LoadException($"the log-in was refused: '{line[1..]}'");
            }
        }

        return (ulong)(channel ?? 0);
    }

    public override byte[] Head(ReadOnlySpan<ulong> addresses) =>
        Encoding.ASCII.GetBytes($"*3\r\n{Argument("PUBLISH")}{Argument(ChannelName(addresses[0]))}${BodyBytes}\r\n");

    public override string? FaultIn(ReadOnlySpan<byte> received) => received.IndexOf((byte)'-') >= 0 ? Describe(received) : null;

    private static string Argument(string text) => $"${text.Length}\r\n{text}\r\n";
}
