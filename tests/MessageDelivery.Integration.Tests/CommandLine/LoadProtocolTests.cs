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
    [InlineData(
        WireProtocol.SocketIo, "42[\"to\",\"???00012\",\"hello\"]", "42[\"m\",\"hello\"]")]
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

    [Theory]
    [InlineData(0, 64)]
    [InlineData(64 << 10, 3)]
    [InlineData(1 << 20, 1)]
    public void A_resumable_receiver_acknowledges_as_often_as_it_must(int bodyBytes, int frames)
    {
        var protocol = WireProtocol.Create(WireProtocol.MdsResumable, bodyBytes);
        Assert.Equal(frames, protocol.MaxUnacknowledged);
        var ack = new byte[protocol.AcknowledgementBytes];
        protocol.WriteAcknowledgement(ack, 258);
        Assert.Equal([0x06, 0, 0, 0, 8, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0], ack);
        Assert.Equal(16, protocol.BytesToPassOver(0x86));
    }

    [Fact]
    public void A_relay_of_our_own_is_sent_the_channel_and_sends_the_same()
    {
        var protocol = WireProtocol.Create(WireProtocol.Relay, bodyBytes: 5);
        Assert.Equal([0, 0, 0, 0x12], protocol.Head([0x12]));
        Assert.Equal((4, 9), (protocol.DeliveryHeadBytes, protocol.DeliveryBytes));
    }

    [Fact]
    public void The_hub_is_sent_a_relay_with_its_receivers()
    {
        var protocol = WireProtocol.Create(WireProtocol.Mds, bodyBytes: 5);
        byte[] relay = [0x05, 0, 2, 0, 21, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal(relay, protocol.Head([7, 9]));
        Assert.Equal(16 + 5, protocol.DeliveryBytes);
    }
}
