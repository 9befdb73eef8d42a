using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// Requests whose answers are larger than they are, as many as the hub takes; half of the attackers read the answers, half do not.
/// </summary>
/// <param name="frames">Requests as frames, and how many.</param>
/// <param name="lines">Requests as lines, and how many.</param>
internal sealed class RequestFlood(string name, string tries, (byte[] Bytes, int Count) frames, (byte[] Bytes, int Count) lines)
    : Attack(name, tries, "make them wait or send them away; keep no more for who does not read than its queue may hold")
{
    private const int MaxWorkers = 8;
    private const int BatchBytes = 32_768;

    // The queue of one user, as hubs have it unless told otherwise: who does not read may fill it.
    private const long QueueBytes = 64L << 20;

    private static readonly byte[] Unknown = FrameBytes.Header((FrameType)0x3F);
    private static readonly byte[] List = FrameBytes.Header(FrameType.List);
    private static readonly byte[] Echo = FrameBytes.Of(FrameType.Echo, 0, new byte[BatchBytes]);

    public static RequestFlood Errors { get; } = new(
        "error-flood", "nothing but wrong requests", (FrameBytes.Repeat(Unknown, BatchBytes), BatchBytes / Unknown.Length), Lines("no such command\n"u8));

    public static RequestFlood Lists { get; } = new(
        "list-flood", "lists, as many as the hub answers", (FrameBytes.Repeat(List, BatchBytes), BatchBytes / List.Length), Lines("list\n"u8));

    public static RequestFlood Echoes { get; } = new(
        "echo-flood", "echoes, half of them never read", (Echo, 1), Lines("echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"u8));

    public override long MaxGrowthBytes(AttackScene scene) => RuntimeBytes + (Workers(scene) * QueueBytes);

    public override Task RunAsync(AttackScene scene) => AttackScene.ForAllAsync(Workers(scene), async i =>
    {
        while (!scene.Over.IsCancellationRequested)
        {
            await RunOnceAsync(scene, isText: i % 4 > 1, reads: i % 2 == 0);
            await Task.Delay(AttackScene.Promptly / 50, CancellationToken.None);
        }
    });

    private async Task RunOnceAsync(AttackScene scene, bool isText, bool reads)
    {
        await using var connection = await scene.OpenAsync(scene.Over, reads);
        if (connection is null)
        {
            return;
        }

        byte[] greeting = !isText ? scene.Target.Hello()
            : scene.Target.Token is { Length: > 0 } token ? [.. "auth "u8, .. token, (byte)'\n']
            : [];
        bool goesOn = await connection.SendAsync(greeting, scene.Over);
        var batch = isText ? lines : frames;
        while (goesOn && !connection.HasEnded && !scene.Over.IsCancellationRequested)
        {
            goesOn = await connection.SendAsync(batch.Bytes, scene.Over);
            scene.Tally.AddRequests(goesOn ? batch.Count : 0);
        }
    }

    private static int Workers(AttackScene scene) => Math.Min(MaxWorkers, scene.Plan.Connections);

    private static (byte[] Bytes, int Count) Lines(ReadOnlySpan<byte> line) => (FrameBytes.Repeat(line, BatchBytes), BatchBytes / line.Length);
}
