using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Connections that declare as much as they may, send a little of it, and then nothing.</summary>
internal sealed class DeclaredLengths() : Attack(
    "declared-lengths",
    "the largest lengths declared, then silence",
    "keep no memory for what was only declared; end a HELLO that stops half way")
{
    // What is longer than this is not waited for in one piece.
    private const int LongBytes = 64 << 10;

    private static readonly byte[][] Begun =
    [
        .. FrameRule.All.Where(rule => !rule.IsFromHub && rule.MaxLength >= LongBytes).Select(rule => (byte[])
            [.. FrameBytes.Header(rule.Type, rule.MaxLength, 0, (ushort)(rule.HasArgument ? 1 : 0)), .. FrameBytes.Number(0), 1]),
    ];

    public override long MaxGrowthBytes(AttackScene scene) =>
        RuntimeBytes + (scene.Tally.Opened * BytesPerConnection);

    public override Task RunAsync(AttackScene scene) =>
        AttackScene.ForAllAsync(scene.Plan.Connections, i => i % 4 == 0 ? HalfHelloAsync(scene) : i % 4 == 1 ? TextAsync(scene) : FrameAsync(scene, i));

    private static async Task HalfHelloAsync(AttackScene scene)
    {
        await using var connection = await scene.OpenAsync(scene.Over);
        if (connection is not null)
        {
            byte[] hello = [.. FrameBytes.Header(FrameType.Hello, ProtocolLimits.MaxHelloLength, 0, ProtocolLimits.Version), .. "MDS1"u8];
            scene.Tally.AddRequests();
            await connection.SendAsync(hello, scene.Over);
            await scene.ExpectEndAsync(connection, AttackScene.Handshake, "half a HELLO");
        }
    }

    private static async Task FrameAsync(AttackScene scene, int number)
    {
        await using var connection = await scene.BinaryUserAsync(scene.Over);
        if (connection is not null)
        {
            scene.Tally.AddRequests();
            await connection.SendAsync(Begun[number % Begun.Length], scene.Over);
            await scene.HoldAsync(connection);
        }
    }

    private static async Task TextAsync(AttackScene scene)
    {
        await using var connection = await scene.TextUserAsync(scene.Over);
        if (connection is not null)
        {
            scene.Tally.AddRequests();
            await connection.SendAsync("relay\n1\n"u8.ToArray(), scene.Over);
            await scene.HoldAsync(connection);
        }
    }
}
