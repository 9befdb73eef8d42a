using System.Globalization;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Each type of frame with a length at, above and far above its limit, and lines and receivers at theirs.</summary>
internal sealed class LengthEdges : Attack
{
    private const int AtOnce = 4;
    private const byte NoType = 0x3F;

    private static readonly byte[] Types = [.. FrameRule.All.Select(rule => (byte)rule.Type), 0x00, NoType, 0x7F, 0x80, 0xFF];

    private static readonly int[] ReceiverCounts = [0, 1, ProtocolLimits.MaxReceivers, ProtocolLimits.MaxReceivers + 1, ushort.MaxValue];

    public override string Name => "length-edges";

    public override string Tries => "each frame type at its limit, one above and up to 2^32 - 1; lines and receivers at theirs";

    public override string Wants => "end who declares more than it may, promptly and without reading it; go on with all others";

    public override async Task RunAsync(AttackScene scene)
    {
        await AttackScene.ForEachAsync(
            Types.SelectMany(type => TooLong(type).Select(length => (type, length))), AtOnce, edge => DeclareAsync(scene, edge.type, edge.length)).ConfigureAwait(false);
        await AttackScene.ForEachAsync(
            Types, AtOnce, type => GoesOnAsync(scene, MaxLength(type), $"a frame of type 0x{type:x2} at its limit")).ConfigureAwait(false);
        await AttackScene.ForEachAsync(
            ReceiverCounts, AtOnce, count => GoesOnAsync(
                scene, FrameBytes.Frame(FrameType.Relay, (ushort)count, new byte[12]), $"a relay of {count} receivers in 12 bytes")).ConfigureAwait(false);
        await AttackScene.ForEachAsync(
            [ProtocolLimits.MaxLineBytes, ProtocolLimits.MaxLineBytes + 1], AtOnce, length => LineAsync(scene, length)).ConfigureAwait(false);
    }

    private static IEnumerable<uint> TooLong(byte type) =>
        [FrameHeader.MaxLengthFromClient((FrameType)type) + 1, int.MaxValue, (uint)int.MaxValue + 1, uint.MaxValue - 7, uint.MaxValue];

    private static byte[] MaxLength(byte type)
    {
        byte[] frame = new byte[ProtocolLimits.HeaderBytes + (int)FrameHeader.MaxLengthFromClient((FrameType)type)];
        FrameBytes.Header(type, (uint)(frame.Length - ProtocolLimits.HeaderBytes), 0, (ushort)(type == (byte)FrameType.Relay ? 1 : 0)).CopyTo(frame, 0);
        return frame;
    }

    private static async Task DeclareAsync(AttackScene scene, byte type, uint length)
    {
        if (await scene.BinaryUserAsync(scene.Over).ConfigureAwait(false) is var (connection, _))
        {
            await using (connection.ConfigureAwait(false))
            {
                scene.Tally.AddRequests();
                await connection.SendAsync(FrameBytes.Header(type, length, 0, 1), scene.Interrupted).ConfigureAwait(false);
                if (!await connection.EndsWithinAsync(AttackScene.Promptly, scene.Interrupted).ConfigureAwait(false))
                {
                    scene.Suspect($"a frame of type 0x{type:x2} that declares {length} bytes did not end its connection");
                }
            }
        }
    }

    /// <summary>Something large or odd but whole, and then a question: it is answered, or the connection ends.</summary>
    private static async Task GoesOnAsync(AttackScene scene, byte[] frame, FormattableString what)
    {
        if (await scene.BinaryUserAsync(scene.Over).ConfigureAwait(false) is var (connection, _))
        {
            await using (connection.ConfigureAwait(false))
            {
                scene.Tally.AddRequests(2);
                await connection.SendAsync(frame, scene.Interrupted).ConfigureAwait(false);
                await connection.SendAsync(FrameBytes.Header((byte)FrameType.Identity, 0), scene.Interrupted).ConfigureAwait(false);
                if (await connection.WaitForAsync(Answer.Identity, AttackScene.Promptly, scene.Interrupted).ConfigureAwait(false) is null
                    && !connection.HasEnded)
                {
                    scene.Suspect($"after {what.ToString(CultureInfo.InvariantCulture)} nothing more was answered");
                }
            }
        }
    }

    private static async Task LineAsync(AttackScene scene, int length)
    {
        if (await scene.TextUserAsync(scene.Over).ConfigureAwait(false) is { } connection)
        {
            await using (connection.ConfigureAwait(false))
            {
                scene.Tally.AddRequests(2);
                byte[] line = [.. "echo "u8, .. FrameBytes.Repeat("x"u8, length - 5), .. "\nidentity\n"u8];
                await connection.SendAsync(line, scene.Interrupted).ConfigureAwait(false);
                if (await connection.WaitForAsync(Answer.TextIdentity, AttackScene.Promptly, scene.Interrupted).ConfigureAwait(false) is null
                    && !connection.HasEnded)
                {
                    scene.Suspect($"after a line of {length} bytes nothing more was answered");
                }
            }
        }
    }
}
