namespace MessageDelivery.Cli.Attacks;

/// <summary>Handshakes that stop: after a byte, half a ClientHello, a whole one, or at a trickle.</summary>
internal sealed class HalfTlsHandshakes() : Attack(
    "half-tls",
    "TLS handshakes that stop half way, or trickle",
    "end each after the time for a handshake, and serve others meanwhile")
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    public override async Task RunAsync(AttackScene scene)
    {
        byte[] hello = await ClientHello.CreateAsync(scene.Target.TlsOptions);
        await AttackScene.ForAllAsync(scene.Plan.Connections, async i =>
        {
            await using var connection = await scene.OpenAsync(isTls: false, scene.Over);
            if (connection is null)
            {
                return;
            }

            scene.Tally.AddRequests();
            var sending = (i % 4) switch
            {
                0 => connection.SendAsync(new byte[] { 0x16 }, scene.Over),
                1 => connection.SendAsync(hello.AsMemory(0, hello.Length / 2), scene.Over),
                2 => connection.SendAsync(hello, scene.Over),
                _ => TrickleAsync(scene, connection, hello),
            };
            await scene.ExpectEndAsync(connection, AttackScene.Handshake, "half a TLS handshake");
            await sending;
        });
    }

    private static async Task<bool> TrickleAsync(AttackScene scene, HostileConnection connection, byte[] hello)
    {
        for (int i = 0; i < hello.Length && !scene.Over.IsCancellationRequested && !connection.HasEnded; i++)
        {
            await connection.SendAsync(hello.AsMemory(i, 1), scene.Over);
            await connection.EndsWithinAsync(Pause, scene.Over);
        }

        return true;
    }
}
