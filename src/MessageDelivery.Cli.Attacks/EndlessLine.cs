using System.Text;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Lines, bodies, tokens and HTTP headers that do not end.</summary>
internal sealed class EndlessLine() : Attack(
    "endless-lines",
    "a line, a body, a token and an HTTP header without end, as fast as they go",
    "answer once at most, and keep none of it")
{
    private const int MaxWorkers = 8;
    private const long MaxBytesEach = 256L << 20;

    private static readonly byte[] Piece = FrameBytes.Repeat("x"u8, 65_536);

    public override long MaxGrowthBytes(AttackScene scene) =>
        RuntimeBytes + (MaxWorkers * (4L << 20)) + (scene.Tally.Opened * BytesPerConnection);

    public override Task RunAsync(AttackScene scene) => AttackScene.ForAllAsync(Math.Min(MaxWorkers, scene.Plan.Connections), async i =>
    {
        while (!scene.Over.IsCancellationRequested)
        {
            await RunOnceAsync(scene, i % 4);
            await Task.Delay(AttackScene.Promptly / 50, CancellationToken.None);
        }
    });

    private static async Task RunOnceAsync(AttackScene scene, int kind)
    {
        string beginning = kind switch
        {
            0 => "echo ",
            1 => "relay\n1\n",
            2 => "auth ",
            _ => "GET / HTTP/1.1\r\nX-Endless: ",
        };
        await using var connection = kind < 2 ? await scene.TextUserAsync(scene.Over) : await scene.OpenAsync(scene.Over);
        if (connection is null)
        {
            return;
        }

        scene.Tally.AddRequests();
        bool goesOn = await connection.SendAsync(Encoding.ASCII.GetBytes(beginning), scene.Over);
        for (long sent = 0; goesOn && sent < MaxBytesEach && !connection.HasEnded; sent += Piece.Length)
        {
            goesOn = await connection.SendAsync(Piece, scene.Over);
        }

        if (goesOn)
        {
            await scene.HoldAsync(connection);
        }
    }
}
