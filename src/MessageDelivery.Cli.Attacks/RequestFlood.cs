using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// Requests whose answers are larger than they are, as many as the hub takes; half of the attackers read the answers, half do not.
/// </summary>
/// <param name="frames">Requests as frames, and how many.</param>
/// <param name="lines">Requests as lines, and how many.</param>
internal sealed class RequestFlood(string name, string tries, (byte[] Bytes, int Count) frames, (byte[] Bytes, int Count) lines) : Attack
{
    private const int MaxWorkers = 8;
    private const int BatchBytes = 32_768;

    // The queue of one user, as hubs have it unless told otherwise: who does not read may fill it.
    private const long QueueBytes = 64L << 20;

    private static readonly byte[] Unknown = FrameBytes.Header(0x3F, 0);
    private static readonly byte[] List = FrameBytes.Header((byte)FrameType.List, 0);
    private static readonly byte[] Echo = FrameBytes.Frame(FrameType.Echo, 0, new byte[BatchBytes]);

    public static RequestFlood Errors { get; } = new(
        "error-flood", "nothing but wrong requests", (FrameBytes.Repeat(Unknown, BatchBytes), BatchBytes / Unknown.Length), Lines("no such command\n"u8));

    public static RequestFlood Lists { get; } = new(
        "list-flood", "lists, as many as the hub answers", (FrameBytes.Repeat(List, BatchBytes), BatchBytes / List.Length), Lines("list\n"u8));

    public static RequestFlood Echoes { get; } = new(
        "echo-flood", "echoes, half of them never read", (Echo, 1), Lines("echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"u8));

    public override string Name => name;

    public override string Tries => tries;

    public override string Wants => "make them wait or send them away; keep no more for who does not read than its queue may hold";

    public override long MaxGrowthBytes(AttackScene scene) => RuntimeBytes + (Workers(scene) * QueueBytes);

    public override Task RunAsync(AttackScene scene) => AttackScene.ForAllAsync(Workers(scene), async i =>
    {
        while (!scene.Over.IsCancellationRequested)
        {
            await RunOnceAsync(scene, isText: i % 4 > 1, reads: i % 2 == 0).ConfigureAwait(false);
            await Task.Delay(AttackScene.Promptly / 50, CancellationToken.None).ConfigureAwait(false);
        }
    });

    private async Task RunOnceAsync(AttackScene scene, bool isText, bool reads)
    {
        if (await scene.OpenAsync(scene.Over, reads).ConfigureAwait(false) is not { } connection)
        {
            return;
        }

        await using (connection.ConfigureAwait(false))
        {
            byte[] greeting = !isText ? FrameBytes.Hello(scene.Target.Options.Token)
                : scene.Target.Options.Token is { } token ? System.Text.Encoding.UTF8.GetBytes($"auth {token}\n")
                : [];
            bool goesOn = await connection.SendAsync(greeting, scene.Over).ConfigureAwait(false);
            var batch = isText ? lines : frames;
            while (goesOn && !connection.HasEnded && !scene.Over.IsCancellationRequested)
            {
                goesOn = await connection.SendAsync(batch.Bytes, scene.Over).ConfigureAwait(false);
                scene.Tally.AddRequests(goesOn ? batch.Count : 0);
            }
        }
    }

    private static int Workers(AttackScene scene) => Math.Min(MaxWorkers, scene.Plan.Connections);

    private static (byte[] Bytes, int Count) Lines(ReadOnlySpan<byte> line) => (FrameBytes.Repeat(line, BatchBytes), BatchBytes / line.Length);
}
