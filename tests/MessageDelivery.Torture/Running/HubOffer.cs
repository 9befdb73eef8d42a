using System.Net;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Torture.Running;

/// <summary>What a hub offers beyond the least: asked of it, so that a hub without it can be run against, too.</summary>
internal readonly record struct HubOffer(bool HasResume, bool HasConfirm)
{
    public static async Task<HubOffer> AskAsync(IPEndPoint hub)
    {
        using var tooLong = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        return new(await HasResumeAsync(hub, tooLong.Token), await HasConfirmAsync(hub, tooLong.Token));
    }

    private static async Task<bool> HasResumeAsync(IPEndPoint hub, CancellationToken cancellationToken)
    {
        using var wire = await WireConnection.ConnectAsync(hub, cancellationToken: cancellationToken);
        await wire.SendAsync(FrameBytes.Hello(HelloFlags.Resumable), cancellationToken);
        var welcome = await ExpectAsync(wire, FrameType.Welcome, cancellationToken);
        await wire.SendAsync(FrameBytes.Header(FrameType.Goodbye), cancellationToken);
        await ExpectAsync(wire, FrameType.GoodbyeReply, cancellationToken);
        return (welcome.Flags & (byte)WelcomeFlags.Resumable) != 0;
    }

    private static async Task<bool> HasConfirmAsync(IPEndPoint hub, CancellationToken cancellationToken)
    {
        using var wire = await WireConnection.ConnectAsync(hub, cancellationToken: cancellationToken);
        await wire.SendAsync(FrameBytes.Hello(), cancellationToken);
        await ExpectAsync(wire, FrameType.Welcome, cancellationToken);
        await wire.SendAsync(FrameBytes.Relay([0], [], RelayFlags.Receipt | RelayFlags.Confirm, 1), cancellationToken);
        return (await wire.ReceiveFrameAsync(cancellationToken)).Type == FrameType.Receipt;
    }

    private static async Task<FrameHeader> ExpectAsync(WireConnection wire, FrameType expected, CancellationToken cancellationToken)
    {
        var frame = await wire.ReceiveFrameAsync(cancellationToken);
        return frame.Type == expected ? frame.Header : throw new IOException($"the hub answered with {frame.Type} instead of {expected}");
    }
}
