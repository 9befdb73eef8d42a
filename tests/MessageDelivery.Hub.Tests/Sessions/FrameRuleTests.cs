using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>A type of frame that is forgotten somewhere: in the table, in what carries it out, or in what checks it.</summary>
public sealed class FrameRuleTests
{
    public static TheoryData<byte> EveryType => [.. Enumerable.Range(0, 256).Select(type => (byte)type)];

    [Fact]
    public void Every_type_has_its_rule() => Assert.Equal(Enum.GetValues<FrameType>(), FrameRule.All.Select(rule => rule.Type));

    [Fact]
    public void Every_request_has_a_method_that_carries_it_out() => Assert.Equal(
        FrameRule.All.Where(rule => !rule.IsFromHub).Select(rule => rule.Type),
        RequestRule.All.Select(rule => rule.Type).Prepend(FrameType.Hello));

    [Fact]
    public void Every_reply_is_a_hubs() => Assert.All(
        FrameRule.All.Where(rule => rule.Reply is not null), rule => Assert.True(!rule.IsFromHub && FrameRule.Of(rule.Reply!.Value)!.IsFromHub));

    [Theory]
    [MemberData(nameof(EveryType))]
    public void A_frame_is_taken_that_keeps_to_its_rule_and_no_other(byte type)
    {
        var rule = FrameRule.FromClient((FrameType)type);
        var header = new FrameHeader(
            (FrameType)type, rule?.ReplyFlag ?? 0, (ushort)(rule is { HasArgument: true } ? 1 : 0), Math.Min(rule?.MaxLength ?? 16, 16));
        var expected = rule is null ? ProtocolCode.Unsupported
            : rule.Type == FrameType.Hello ? ProtocolCode.ProtocolError
            : ProtocolCode.Normal;
        Assert.Equal(expected, Refusal(header));
        if (expected == ProtocolCode.Normal)
        {
            Assert.NotNull(RequestRule.Of(rule!.Type).CarryOut);
            Assert.Equal(ProtocolCode.Unsupported, Refusal(header with { Flags = (byte)~rule.Flags }));
            Assert.Equal(rule.HasArgument ? ProtocolCode.Normal : ProtocolCode.Unsupported, Refusal(header with { Argument = 1 }));
        }

        static ProtocolCode Refusal(in FrameHeader header) => FrameCheck.Refusal(header, isResumable: true, out _, out _);
    }

    [Theory]
    [MemberData(nameof(EveryType))]
    public void The_most_length_is_the_rules(byte type)
    {
        var rule = FrameRule.Of((FrameType)type);
        Assert.Equal(rule is { IsFromHub: false } ? rule.MaxLength : ProtocolLimits.MaxBodyBytes, FrameHeader.MaxLengthFromClient((FrameType)type));
        Assert.Equal(rule is { IsFromHub: true } ? rule.MaxLength : 8 * ProtocolLimits.MaxIdsPerFrame, FrameHeader.MaxLengthFromHub((FrameType)type));
    }
}
