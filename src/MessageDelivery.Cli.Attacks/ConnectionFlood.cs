
namespace MessageDelivery.Cli.Attacks;

/// <summary>Connections that are made, say a little or nothing, and are reset, as many as go.</summary>
internal sealed class ConnectionFlood() : Attack(
    "connection-flood",
    "connections opened and reset as fast as it goes, silent, binary and text",
    "serve those who are there; refuse the rest in a word")
{
    private const int HeldByEach = 3;

    public override long MaxGrowthBytes(AttackScene scene) =>
        RuntimeBytes + ((long)scene.Plan.Connections * HeldByEach * BytesPerConnection);

    public override Task RunAsync(AttackScene scene) => AttackScene.ForAllAsync(scene.Plan.Connections, async worker =>
    {
        var held = new Queue<HostileConnection>();
        for (int i = worker; !scene.Over.IsCancellationRequested; i++)
        {
            if (await scene.OpenAsync(scene.Over) is not { } connection)
            {
                await Task.Delay(AttackScene.Promptly / 100, CancellationToken.None);
                continue;
            }

            held.Enqueue(connection);
            byte[] greeting = (i % 3) switch
            {
                0 => [],
                1 => scene.Target.Hello(),
                _ => "identity\n"u8.ToArray(),
            };
            scene.Tally.AddRequests(greeting.Length > 0 ? 1 : 0);
            await connection.SendAsync(greeting, scene.Over);
            if (held.Count > HeldByEach)
            {
                await held.Dequeue().DisposeAsync();
            }
        }

        foreach (var connection in held)
        {
            await connection.DisposeAsync();
        }
    });
}
