using System.Text;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What the load generator writes to a server, and how long it takes a delivery to be, byte by byte.</summary>
public sealed class LoadProtocolTests
{
    // Eight characters: three hexadecimal digits of the run, five of the channel. The run's are not compared.
    [Theory]
    [InlineData(WireProtocol.Nats, "PUB u.???00012 5\r\nhello\r\n", "MSG u.???00012 1 5\r\nhello\r\n")]
    [InlineData(
        WireProtocol.Redis,
        "*3\r\n$7\r\nPUBLISH\r\n$8\r\n???00012\r\n$5\r\nhello\r\n",
        "*3\r\n$7\r\nmessage\r\n$8\r\n???00012\r\n$5\r\nhello\r\n")]
    [InlineData(WireProtocol.Mqtt, "\x30\x0F\x00\x08???00012hello", "\x30\x0F\x00\x08???00012hello")]
    public void A_broker_is_sent_a_publish_and_sends_a_delivery(string name, string publish, string delivery)
    {
        var protocol = WireProtocol.Create(name, bodyBytes: 5);
        byte[] head = protocol.Head([0x12]);
        string sent = Encoding.Latin1.GetString([.. head, .. "hello"u8, .. protocol.Tail]);
        int run = publish.IndexOf('?', StringComparison.Ordinal);
        Assert.Equal(publish, sent.Remove(run, 3).Insert(run, "???"));
        Assert.Equal(delivery.Length, protocol.DeliveryBytes);
        Assert.Equal(delivery.IndexOf("hello", StringComparison.Ordinal), protocol.DeliveryHeadBytes);
        Assert.Equal(delivery[0], (char)protocol.DeliveryFirstByte);
    }

    [Theory]
    [InlineData(117, new byte[] { 0x7F })]
    [InlineData(118, new byte[] { 0x80, 0x01 })]
    [InlineData(16_373, new byte[] { 0xFF, 0x7F })]
    [InlineData(1 << 20, new byte[] { 0x8A, 0x80, 0x40 })]
    public void An_MQTT_length_takes_seven_bits_a_byte(int bodyBytes, byte[] remainingLength) =>
        Assert.Equal(remainingLength, WireProtocol.Create(WireProtocol.Mqtt, bodyBytes).Head([0])[1..^10]);

    [Fact]
    public void The_hub_is_sent_a_relay_with_its_receivers()
    {
        var protocol = WireProtocol.Create(WireProtocol.Mds, bodyBytes: 5);
        byte[] relay = [0x05, 0, 2, 0, 21, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(relay, protocol.Head([7, 9]));
        Assert.Equal(16 + 5, protocol.DeliveryBytes);
    }
}
