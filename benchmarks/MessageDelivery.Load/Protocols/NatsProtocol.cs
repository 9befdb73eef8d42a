using System.Text;

namespace MessageDelivery.Load.Protocols;

/// <summary>The NATS client protocol, without headers.</summary>
internal sealed class NatsProtocol(int bodyBytes) : WireProtocol(bodyBytes)
{
    private static readonly int PingBytes = "PING\r\n".Length;

    public override bool GreetsInTheClear => true;

    public override Upgrade Upgrade { get; } = new("/");

    public override int DeliveryHeadBytes => $"MSG {Subject(0)} 1 {BodyBytes}\r\n".Length;

    public override byte DeliveryFirstByte => (byte)'M';

    public override ReadOnlySpan<byte> Tail => "\r\n"u8;

    public override ulong LogIn(Connection connection, int? channel)
    {
        connection.ReceiveLine(); // INFO
        connection.Send(
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"load\",\"version\":\"1\",\"protocol\":1}\r\n"u8);
        if (channel is not null)
        {
            connection.Send(Encoding.ASCII.GetBytes($"SUB {Subject((ulong)channel)} 1\r\n"));
        }

        connection.Send("PING\r\n"u8);
        string answer = connection.ReceiveLine();
        return answer == "PONG" ? (ulong)(channel ?? 0) : throw new LoadException($"CONNECT was refused: '{answer}'");
    }

    public override byte[] Head(ReadOnlySpan<ulong> addresses) =>
        Encoding.ASCII.GetBytes($"PUB {Subject(addresses[0])} {BodyBytes}\r\n");

    /// <summary>The server measures its round trip once, some two seconds after each log-in, whatever else is sent.</summary>
    public override int BytesToPassOver(byte first) => first == 'P' ? PingBytes : 0;

    public override string? FaultIn(ReadOnlySpan<byte> received) => received.IndexOf((byte)'-') >= 0 ? Describe(received) : null;

    private static string Subject(ulong channel) => $"u.{ChannelName(channel)}";
}
