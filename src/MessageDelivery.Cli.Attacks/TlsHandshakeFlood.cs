namespace MessageDelivery.Cli.Attacks;

/// <summary>Whole TLS handshakes, each of which costs the hub a signature.</summary>
internal sealed class TlsHandshakeFlood() : Attack(
    "tls-handshakes",
    "TLS handshakes as many as go, each connection reset when it is made",
    "go on serving those who are there; the rest may wait or be refused")
{
    private const int MaxWorkers = 16;

    public override string? DoesNotApply(AttackTarget target) => target.HasTls ? null : "the hub does not speak TLS";

    public override Task RunAsync(AttackScene scene) => AttackScene.ForAllAsync(Math.Min(MaxWorkers, scene.Plan.Connections), async _ =>
    {
        while (!scene.Over.IsCancellationRequested)
        {
            if (await scene.OpenAsync(isTls: true, scene.Over) is { } connection)
            {
                scene.Tally.AddRequests();
                await connection.DisposeAsync();
            }
            else
            {
                await Task.Delay(AttackScene.Promptly / 100, CancellationToken.None);
            }
        }
    });
}
