using System.Buffers.Binary;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// Relays whose senders want to be told when they are acknowledged, to receivers that read and never acknowledge; the senders leave and
/// come again, so that what is kept for each of them adds up.
/// </summary>
internal sealed class NeverAcknowledged() : Attack(
    "never-acknowledged",
    "relays to be confirmed, to receivers that never acknowledge, from senders that come and go",
    "make the senders wait; keep no more for all that waits than the receiver's queue may hold")
{
    private const int MaxWorkers = 8;
    private const int RelaysPerSender = 4_000;

    // What a user's queue may hold, as hubs have it unless told otherwise.
    private const long QueueBytes = 64L << 20;

    public override long MaxGrowthBytes(AttackScene scene) => RuntimeBytes + (Pairs(scene) * QueueBytes);

    public override Task RunAsync(AttackScene scene) => AttackScene.ForAllAsync(Pairs(scene), _ => RunOneAsync(scene));

    private static int Pairs(AttackScene scene) => Math.Clamp(scene.Plan.Connections / 2, 1, MaxWorkers);

    private static async Task RunOneAsync(AttackScene scene)
    {
        while (!scene.Over.IsCancellationRequested)
        {
            await using var receiver = await scene.BinaryUserAsync(scene.Over, HelloFlags.Resumable);
            if (receiver is not null)
            {
                byte[] relays = Relays(receiver.UserId);
                while (!receiver.HasEnded && !scene.Over.IsCancellationRequested)
                {
                    await SendAsync(scene, relays);
                }
            }
        }
    }

    private static async Task SendAsync(AttackScene scene, byte[] relays)
    {
        await using var sender = await scene.BinaryUserAsync(scene.Over);
        if (sender is not null)
        {
            // It is answered when all before it are carried out.
            if (await sender.SendAsync(relays, scene.Over)
                && await sender.WaitForAsync(Answer.Identity, AttackScene.Promptly, scene.Over) is not null)
            {
                scene.Tally.AddRequests(RelaysPerSender);
            }
        }
    }

    private static byte[] Relays(ulong receiver)
    {
        byte[] relay = FrameBytes.Relay([receiver], [], RelayFlags.Receipt | RelayFlags.Confirm);
        byte[] all = FrameBytes.Repeat(relay, relay.Length * RelaysPerSender);
        for (int i = 0; i < RelaysPerSender; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(all.AsSpan((i * relay.Length) + ProtocolLimits.HeaderBytes), (ulong)i);
        }

        return [.. all, .. FrameBytes.Header(FrameType.Identity)];
    }
}
