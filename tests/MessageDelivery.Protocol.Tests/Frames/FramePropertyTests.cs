using CsCheck;

namespace MessageDelivery.Protocol.Tests.Frames;

/// <summary>What holds for frames of any content.</summary>
public sealed class FramePropertyTests
{
    private static readonly Gen<FrameHeader> Headers =
        Gen.Select(Gen.Byte, Gen.Byte, Gen.UShort, Gen.UInt, (type, flags, argument, length) =>
            new FrameHeader((FrameType)type, flags, argument, length));

    [Fact]
    public void A_header_survives_the_wire() => Headers.Sample(header =>
    {
        Span<byte> bytes = stackalloc byte[ProtocolLimits.HeaderBytes];
        header.Write(bytes);
        return FrameHeader.Read(bytes) == header;
    });

    [Fact]
    public void A_relays_layout_stays_within_its_frame() => Headers.Sample(header =>
    {
        var relay = header with { Type = FrameType.Relay, Length = header.Length % (ProtocolLimits.MaxRelayLength + 1) };
        var code = RelayLayout.TryLayOut(relay, out var layout);
        bool receipt = (relay.Flags & 1) != 0;
        return code != ProtocolCode.Normal
            || (layout.ReceiverCount is >= 1 and <= ProtocolLimits.MaxReceivers
                && layout.ReceiversOffset == (receipt ? 16 : 8)
                && layout.BodyOffset == layout.ReceiversOffset + (8 * layout.ReceiverCount)
                && layout.BodyOffset >= ProtocolLimits.DeliveryHeaderBytes
                && layout.BodyBytes is >= 0 and <= ProtocolLimits.MaxBodyBytes
                && layout.BodyOffset + layout.BodyBytes == ProtocolLimits.HeaderBytes + (int)relay.Length);
    });

    [Theory]
    [InlineData(0, 1, 8 + 1_048_576, ProtocolCode.Normal)]
    [InlineData(0, 1, 8 + 1_048_577, ProtocolCode.FrameTooLarge)]
    [InlineData(1, 255, 8 + 2_040 + 1_048_576, ProtocolCode.Normal)]
    [InlineData(1, 255, 8 + 2_039, ProtocolCode.InvalidReceivers)]
    [InlineData(0, 255, 2_040, ProtocolCode.Normal)]
    [InlineData(0, 0, 16, ProtocolCode.InvalidReceivers)]
    [InlineData(0, 256, 4_096, ProtocolCode.InvalidReceivers)]
    [InlineData(8, 1, 8, ProtocolCode.Unsupported)]
    public void A_relay_at_its_limits(byte flags, ushort receivers, uint length, ProtocolCode expected) =>
        Assert.Equal(expected, RelayLayout.TryLayOut(new(FrameType.Relay, flags, receivers, length), out _));

    [Fact]
    public void A_hello_survives_the_wire() => Gen.Select(
        Gen.Byte.Array[16], Gen.ULong, Gen.Byte.Array[0, 64], Gen.Bool).Sample((key, total, token, resumes) =>
    {
        var flags = resumes ? HelloFlags.Resume : HelloFlags.None;
        var hello = new HelloPayload { SessionKey = resumes ? key : [], FramesReceived = total, Token = token };
        var bytes = new byte[hello.Length];
        hello.Write(bytes);
        return HelloPayload.TryRead(flags, bytes, out var read)
            && read.Token.SequenceEqual(token)
            && (!resumes || (read.SessionKey.SequenceEqual(key) && read.FramesReceived == total));
    });

    [Fact]
    public void A_hello_cut_short_or_of_another_magic_is_refused() => Gen.Byte.Array[0, 40].Sample(bytes =>
    {
        bool starts = bytes.AsSpan().StartsWith("MDS1"u8);
        return HelloPayload.TryRead(HelloFlags.None, bytes, out _) == starts
            && HelloPayload.TryRead(HelloFlags.Resume, bytes, out _) == (starts && bytes.Length >= 28);
    });

    [Fact]
    public void Each_code_and_outcome_has_a_name_of_its_own()
    {
        Assert.Equal(17, Enum.GetValues<ProtocolCode>().Select(code => code.Name()).Distinct().Count());
        Assert.Equal(6, Enum.GetValues<Outcome>().Select(outcome => outcome.Name()).Distinct().Count());
        Assert.Equal("code_99", ((ProtocolCode)99).Name());
        Assert.Equal("9", ((Outcome)9).Name());
    }

    [Theory]
    [InlineData(ProtocolCode.Normal, ReconnectAdvice.No)]
    [InlineData(ProtocolCode.ShuttingDown, ReconnectAdvice.AfterPause)]
    [InlineData(ProtocolCode.FrameTooLarge, ReconnectAdvice.No)]
    [InlineData(ProtocolCode.AuthFailed, ReconnectAdvice.WithToken)]
    [InlineData(ProtocolCode.HeartbeatTimeout, ReconnectAdvice.Yes)]
    [InlineData(ProtocolCode.SlowConsumer, ReconnectAdvice.Yes)]
    [InlineData(ProtocolCode.TakenOver, ReconnectAdvice.No)]
    [InlineData(ProtocolCode.Overloaded, ReconnectAdvice.AfterPause)]
    [InlineData(ProtocolCode.NotAllowed, ReconnectAdvice.No)]
    public void A_code_says_whether_to_come_back(ProtocolCode code, ReconnectAdvice advice) => Assert.Equal(advice, code.Advice());
}
