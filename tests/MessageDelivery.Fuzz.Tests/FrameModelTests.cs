using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Fuzz.Targets;
using MessageDelivery.Protocol;

namespace MessageDelivery.Fuzz.Tests;

/// <summary>The model knows each type of frame in the table: it expects of the hub what that does with it.</summary>
public sealed class FrameModelTests
{
    public static TheoryData<FrameType> Requests => [.. FrameRule.All.Where(rule => !rule.IsFromHub).Select(rule => rule.Type)];

    [Fact]
    public void It_knows_how_long_a_frame_may_be() => Assert.All(
        Enumerable.Range(0, 256).Select(type => (byte)type),
        type => Assert.Equal(FrameHeader.MaxLengthFromClient((FrameType)type), BinaryModel.MaxLength(type)));

    [Theory]
    [MemberData(nameof(Requests))]
    public void It_knows_what_each_flag_and_argument_does(FrameType type)
    {
        byte[] payload = new byte[Math.Min(24, FrameRule.Of(type)!.MaxLength)];
        foreach (byte flags in Enumerable.Range(0, 8).Select(bit => (byte)(1 << bit)).Prepend<byte>(0))
        {
            foreach (byte argument in (byte[])[0, 1, 2])
            {
                FrameTarget.Run([0, 0, (byte)type, flags, argument, 0, (byte)payload.Length, 0, 0, 0, .. payload]);
            }
        }
    }
}
