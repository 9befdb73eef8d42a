using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>Frames that are refused by their header: the code, and a text that names what came and what is allowed.</summary>
public sealed class FrameCheckTests
{
    public static TheoryData<byte, byte, ushort, uint, ProtocolCode, string[]> Refused => new()
    {
        // type, flags, argument, length
        { 0x05, 0, 0, 8, ProtocolCode.InvalidReceivers, ["0 receivers", "255"] },
        { 0x05, 0, 256, 4_000, ProtocolCode.InvalidReceivers, ["256 receivers", "255"] },
        { 0x05, 0, 3, 23, ProtocolCode.InvalidReceivers, ["23 bytes", "3 receivers", "24"] },
        { 0x05, 1, 3, 31, ProtocolCode.InvalidReceivers, ["31 bytes", "3 receivers", "32"] },
        { 0x05, 0, 1, 8 + 1_048_577, ProtocolCode.FrameTooLarge, ["1048577", "1048576"] },
        { 0x05, 1, 1, 16 + 1_048_577, ProtocolCode.FrameTooLarge, ["1048577", "1048576"] },
        { 0x05, 8, 1, 8, ProtocolCode.Unsupported, ["0x08", "0x07"] },
        { 0x05, 4, 1, 8, ProtocolCode.Unsupported, ["0x04", "CONFIRM only with 1 RECEIPT"] },
        { 0x01, 0, 1, 4, ProtocolCode.ProtocolError, ["HELLO comes once"] },
        { 0x06, 0, 0, 8, ProtocolCode.Unsupported, ["ACK"] },
        { 0x04, 2, 0, 0, ProtocolCode.Unsupported, ["0x02", "0x04"] },
        { 0x04, 3, 0, 0, ProtocolCode.Unsupported, ["0x03", "0x04"] },
        { 0x04, 1, 1, 0, ProtocolCode.Unsupported, ["argument 1", "0"] },
        { 0x02, 1, 0, 5, ProtocolCode.Unsupported, ["0x01", "0x02"] },
        { 0x03, 0, 9, 0, ProtocolCode.Unsupported, ["argument 9", "0"] },
        { 0x07, 0, 1, 0, ProtocolCode.Unsupported, ["argument 1", "0"] },
        { 0x08, 1, 0, 0, ProtocolCode.Unsupported, ["0x01", "0x08"] },
        { 0x7F, 0, 0, 0, ProtocolCode.Unsupported, ["0x7f"] },
        { 0x85, 0, 0, 16, ProtocolCode.Unsupported, ["0x85"] },
        { 0x00, 0, 0, 0, ProtocolCode.Unsupported, ["0x00"] },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_is_refused_is_told_with_its_value_and_the_limit(
        byte type, byte flags, ushort argument, uint length, ProtocolCode code, string[] told)
    {
        Assert.Equal(code, FrameCheck.Refusal(new((FrameType)type, flags, argument, length), isResumable: false, out _, out string text));
        Assert.All(told, part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.InRange(text.Length, 1, ProtocolLimits.MaxTextLength - 8);
    }

    public static TheoryData<byte, byte, ushort, uint> Good => new()
    {
        { 0x05, 0, 1, 8 },
        { 0x05, 0, 255, (255 * 8) + 1_048_576 },
        { 0x05, 1, 255, 8 + (255 * 8) + 1_048_576 },
        { 0x05, 3, 1, 16 },
        { 0x05, 5, 1, 16 },
        { 0x02, 0, 0, 1_048_576 },
        { 0x03, 0, 0, 0 },
        { 0x04, 0, 0, 0 },
        { 0x04, 1, 0, 0 },
        { 0x07, 0, 0, 0 },
        { 0x08, 0, 0, 0 },
        { 0x08, 0, 9, 1_024 },
    };

    [Theory]
    [MemberData(nameof(Good))]
    public void What_is_allowed_is_not_refused(byte type, byte flags, ushort argument, uint length)
    {
        var header = new FrameHeader((FrameType)type, flags, argument, length);
        Assert.True(length <= FrameHeader.MaxLengthFromClient(header.Type));
        Assert.Equal(ProtocolCode.Normal, FrameCheck.Refusal(header, isResumable: false, out var layout, out string text));
        Assert.Equal("", text);
        Assert.Equal(header.Type == FrameType.Relay ? argument : 0, layout.ReceiverCount);
    }

    public static TheoryData<byte, ushort, uint, ProtocolCode, string, string[]> RefusedHellos => new()
    {
        // flags, version, length
        { 0, 2, 4, ProtocolCode.Unsupported, nameof(CloseReason.Unsupported), ["version 2", "version 1"] },
        { 0, 0, 4, ProtocolCode.Unsupported, nameof(CloseReason.Unsupported), ["version 0", "version 1"] },
        { 4, 1, 4, ProtocolCode.Unsupported, nameof(CloseReason.Unsupported), ["0x04", "0x03"] },
        { 0, 1, 3, ProtocolCode.ProtocolError, nameof(CloseReason.ProtocolError), ["4D 44 53 31"] },
        { 0, 1, 0, ProtocolCode.ProtocolError, nameof(CloseReason.ProtocolError), ["4D 44 53 31"] },
        { 0, 1, 8_221, ProtocolCode.FrameTooLarge, nameof(CloseReason.FrameTooLarge), ["8221", "8220"] },
        { 9, 9, uint.MaxValue, ProtocolCode.FrameTooLarge, nameof(CloseReason.FrameTooLarge), ["4294967295", "8220"] },
    };

    [Theory]
    [MemberData(nameof(RefusedHellos))]
    public void A_refused_hello_is_told_with_its_value_and_the_limit(
        byte flags, ushort version, uint length, ProtocolCode code, string reason, string[] told)
    {
        var ending = HelloCheck.Refusal(new(FrameType.Hello, flags, version, length));
        Assert.Equal((code, reason), (ending?.Code, ending?.Reason.ToString()));
        Assert.All(told, part => Assert.Contains(part, ending!.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(3, 8_220)]
    public void A_good_hello_is_not_refused(byte flags, uint length) =>
        Assert.Null(HelloCheck.Refusal(new(FrameType.Hello, flags, 1, length)));

    [Fact]
    public void A_frame_that_is_too_long_is_told_with_its_length_and_the_limit()
    {
        string text = FrameCheck.TooLong(new(FrameType.Ack, 0, 0, 9)).Text;
        Assert.Contains("0x06", text, StringComparison.Ordinal);
        Assert.Contains("9 bytes", text, StringComparison.Ordinal);
        Assert.EndsWith(" 8", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 1_050_632)]
    [InlineData("03000000000000", 1_050_632)]
    [InlineData("0300000000000000", 8)]
    [InlineData("0300000000000000070000", 8)]
    [InlineData("03000000000000000200000001000000AA0700000000000000", 25)]
    [InlineData("0300000000000000020000000200000000", 8)]
    [InlineData("0200000002000000AA", 10)]
    [InlineData("05000100FFFFFFFF", 1_050_632)]
    public void What_is_whole_is_foreseen_and_else_what_the_first_frame_declares(string front, int bytes) =>
        Assert.Equal(bytes, FrameCheck.RequestBytes(Convert.FromHexString(front)));
}
