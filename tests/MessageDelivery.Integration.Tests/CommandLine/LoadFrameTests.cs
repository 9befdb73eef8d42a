using System.Text;
using MessageDelivery.Load.WebSockets;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The frames of WebSocket that the load generator writes, and those of servers that it takes apart.</summary>
public sealed class LoadFrameTests
{
    // RFC 6455, section 5.7.
    private const uint ExampleKey = 0x3D21FA37;

    [Fact]
    public void A_masked_message_is_that_of_the_standard()
    {
        byte[] frame = new byte[11];
        Assert.Equal(6, ClientFrame.WriteHeader(frame, ClientFrame.Text, 5, ExampleKey));
        "Hello"u8.CopyTo(frame.AsSpan(6));
        ClientFrame.Mask(frame.AsSpan(6), ExampleKey);
        Assert.Equal([0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58], frame);
    }

    [Theory]
    [InlineData(125, new byte[] { 0x82, 0xFD })]
    [InlineData(126, new byte[] { 0x82, 0xFE, 0, 126 })]
    [InlineData(65_535, new byte[] { 0x82, 0xFE, 0xFF, 0xFF })]
    [InlineData(65_536, new byte[] { 0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0 })]
    public void A_length_takes_as_few_bytes_as_it_may(int payload, byte[] header)
    {
        byte[] frame = new byte[ClientFrame.MaxHeaderBytes];
        Assert.Equal(header.Length + 4, ClientFrame.WriteHeader(frame, ClientFrame.Binary, payload, ExampleKey));
        Assert.Equal(header.Length + 4, ClientFrame.HeaderBytes(payload));
        Assert.Equal([.. header, 0x37, 0xFA, 0x21, 0x3D], frame[..(header.Length + 4)]);
    }

    [Fact]
    public void Every_length_is_masked_byte_by_byte()
    {
        for (int length = 0; length < 200; length++)
        {
            byte[] payload = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
            byte[] expected = [.. payload.Select((value, i) => (byte)(value ^ (ExampleKey >> (8 * (i % 4)))))];
            ClientFrame.Mask(payload, ExampleKey);
            Assert.Equal(expected, payload);
        }
    }

    [Fact]
    public void Messages_of_a_server_become_one_stream_wherever_they_are_cut()
    {
        byte[] long16 = new byte[300];
        byte[] long64 = new byte[70_000];
        Array.Fill(long16, (byte)'b');
        Array.Fill(long64, (byte)'c');
        byte[] received =
        [
            0x82, 1, (byte)'a', 0x89, 2, 1, 2, 0x82, 0, 0x02, 126, 1, 44, .. long16, 0x8A, 0, 0x80, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70, .. long64,
            0x88, 7, 0x0F, 0xA1, .. "later"u8,
        ];
        byte[] expected = [(byte)'a', .. long16, .. long64];
        // Every cut within and around the headers; the rest of a payload is all alike.
        foreach (int cut in Enumerable.Range(0, 400).Concat(Enumerable.Range(received.Length - 12, 12)))
        {
            var frames = new ServerFrames();
            byte[] first = received[..cut];
            byte[] second = received[cut..];
            byte[] stream = [.. first[..frames.Unframe(first)], .. second[..frames.Unframe(second)]];
            Assert.True(expected.AsSpan().SequenceEqual(stream), $"cut at {cut}");
            Assert.Equal("4001 later", frames.Closing);
        }
    }

    [Fact]
    public void Messages_of_a_server_may_come_byte_by_byte()
    {
        byte[] received = [0x81, 2, (byte)'h', (byte)'i', 0x89, 1, 7, 0x82, 126, 0, 3, (byte)'y', (byte)'o', (byte)'u', 0x88, 0];
        var frames = new ServerFrames();
        var stream = new StringBuilder();
        foreach (byte next in received)
        {
            byte[] one = [next];
            stream.Append(Encoding.ASCII.GetString(one, 0, frames.Unframe(one)));
        }

        Assert.Equal("hiyou", stream.ToString());
        Assert.Equal("no code", frames.Closing);
    }

    [Theory]
    [InlineData(new byte[] { 0x82, 0x81, 1, 2, 3, 4, 5 })]
    [InlineData(new byte[] { 0xC2, 1, 5 })]
    [InlineData(new byte[] { 0x89, 126, 0, 126 })]
    [InlineData(new byte[] { 0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0 })]
    public void What_no_server_may_send_is_refused(byte[] received) =>
        Assert.Throws<InvalidDataException>(() => new ServerFrames().Unframe(received));
}
