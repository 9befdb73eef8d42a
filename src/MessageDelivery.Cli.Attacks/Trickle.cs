using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>A HELLO, a frame and a line, a byte at a time.</summary>
internal sealed class Trickle() : Attack(
    "trickle",
    "a HELLO, a frame and a line, a byte every quarter of a second",
    "end a HELLO after its time in all, however it comes; keep no memory for the rest")
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public override long MaxGrowthBytes(AttackScene scene) =>
        RuntimeBytes + (scene.Tally.Opened * BytesPerConnection);

    public override Task RunAsync(AttackScene scene) => AttackScene.ForAllAsync(scene.Plan.Connections, i => (i % 3) switch
    {
        0 => HelloAsync(scene),
        1 => FrameAsync(scene),
        _ => LineAsync(scene),
    });

    private static async Task HelloAsync(AttackScene scene)
    {
        await using var connection = await scene.OpenAsync(scene.Over);
        if (connection is not null)
        {
            // A token of full size: the HELLO would be whole after half an hour.
            byte[] hello = FrameBytes.Hello(token: new byte[ProtocolLimits.MaxTokenBytes]);
            var trickling = SendAsync(scene, connection, hello);
            await scene.ExpectEndAsync(connection, AttackScene.Handshake, "a trickled HELLO");
            await trickling;
        }
    }

    private static async Task FrameAsync(AttackScene scene)
    {
        await using var connection = await scene.BinaryUserAsync(scene.Over);
        if (connection is not null)
        {
            await SendAsync(scene, connection, FrameBytes.Of(FrameType.Echo, 0, new byte[4_096]));
        }
    }

    private static async Task LineAsync(AttackScene scene)
    {
        await using var connection = await scene.TextUserAsync(scene.Over);
        if (connection is not null)
        {
            await SendAsync(scene, connection, FrameBytes.Repeat("x"u8, 4_096));
        }
    }

    private static async Task SendAsync(AttackScene scene, HostileConnection connection, byte[] bytes)
    {
        scene.Tally.AddRequests();
        for (int i = 0; i < bytes.Length && !scene.Over.IsCancellationRequested && !connection.HasEnded; i++)
        {
            await connection.SendAsync(bytes.AsMemory(i, 1), scene.Over);
            await connection.EndsWithinAsync(Pause, scene.Over);
        }
    }
}
