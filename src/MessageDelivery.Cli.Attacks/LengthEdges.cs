using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Each type of frame with a length at, above and far above its limit, and lines and receivers at theirs.</summary>
internal sealed class LengthEdges() : Attack(
    "length-edges",
    "each frame type at its limit, one above and up to 2^32 - 1; lines and receivers at theirs",
    "end who declares more than it may, promptly and without reading it; go on with all others")
{
    private const int AtOnce = 4;
    private const FrameType NoType = (FrameType)0x3F;

    private static readonly FrameType[] Types =
        [.. FrameRule.All.Select(rule => rule.Type), 0, NoType, (FrameType)0x7F, (FrameType)0x80, (FrameType)0xFF];

    private static readonly int[] ReceiverCounts = [0, 1, ProtocolLimits.MaxReceivers, ProtocolLimits.MaxReceivers + 1, ushort.MaxValue];

    public override async Task RunAsync(AttackScene scene)
    {
        await AttackScene.ForEachAsync(
            Types.SelectMany(type => TooLong(type).Select(length => (type, length))), AtOnce, edge => DeclareAsync(scene, edge.type, edge.length));
        await AttackScene.ForEachAsync(
            Types, AtOnce, type => GoesOnAsync(scene, MaxLength(type), $"a frame of type 0x{(byte)type:x2} at its limit"));
        await AttackScene.ForEachAsync(
            ReceiverCounts, AtOnce, count => GoesOnAsync(
                scene, FrameBytes.Of(FrameType.Relay, (ushort)count, new byte[12]), $"a relay of {count} receivers in 12 bytes"));
        await AttackScene.ForEachAsync(
            [ProtocolLimits.MaxLineBytes, ProtocolLimits.MaxLineBytes + 1], AtOnce, length => LineAsync(scene, length));
    }

    private static IEnumerable<uint> TooLong(FrameType type) =>
        [FrameHeader.MaxLengthFromClient(type) + 1, int.MaxValue, (uint)int.MaxValue + 1, uint.MaxValue - 7, uint.MaxValue];

    private static byte[] MaxLength(FrameType type)
    {
        byte[] frame = new byte[ProtocolLimits.HeaderBytes + (int)FrameHeader.MaxLengthFromClient(type)];
        FrameBytes.Header(type, (uint)(frame.Length - ProtocolLimits.HeaderBytes), 0, (ushort)(type == FrameType.Relay ? 1 : 0)).CopyTo(frame, 0);
        return frame;
    }

    private static async Task DeclareAsync(AttackScene scene, FrameType type, uint length)
    {
        await using var connection = await scene.BinaryUserAsync(scene.Over);
        if (connection is not null)
        {
            scene.Tally.AddRequests();
            await connection.SendAsync(FrameBytes.Header(type, length, 0, 1), scene.Interrupted);
            if (!await connection.EndsWithinAsync(AttackScene.Promptly, scene.Interrupted))
            {
                scene.Suspect($"a frame of type 0x{(byte)type:x2} that declares {length} bytes did not end its connection");
            }
        }
    }

    /// <summary>Something large or odd but whole, and then a question: it is answered, or the connection ends.</summary>
    private static async Task GoesOnAsync(AttackScene scene, byte[] frame, string what)
    {
        await using var connection = await scene.BinaryUserAsync(scene.Over);
        if (connection is not null)
        {
            scene.Tally.AddRequests(2);
            await connection.SendAsync(frame, scene.Interrupted);
            await connection.SendAsync(FrameBytes.Header(FrameType.Identity), scene.Interrupted);
            if (await connection.WaitForAsync(Answer.Identity, AttackScene.Promptly, scene.Interrupted) is null
                && !connection.HasEnded)
            {
                scene.Suspect($"after {what} nothing more was answered");
            }
        }
    }

    private static async Task LineAsync(AttackScene scene, int length)
    {
        await using var connection = await scene.TextUserAsync(scene.Over);
        if (connection is not null)
        {
            scene.Tally.AddRequests(2);
            byte[] line = [.. "echo "u8, .. FrameBytes.Repeat("x"u8, length - 5), .. "\nidentity\n"u8];
            await connection.SendAsync(line, scene.Interrupted);
            if (await connection.WaitForAsync(Answer.TextIdentity, AttackScene.Promptly, scene.Interrupted) is null
                && !connection.HasEnded)
            {
                scene.Suspect($"after a line of {length} bytes nothing more was answered");
            }
        }
    }
}
