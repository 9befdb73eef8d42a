using System.Net;
using System.Net.Sockets;
using MessageDelivery.Protocol;
using MessageDelivery.Scenarios.Clients;
using MessageDelivery.Torture.Clients;

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
        using var socket = await ConnectAsync(hub, cancellationToken);
        var buffer = new FrameBuffer(4 << 10);
        await socket.SendAsync(RelayBytes.Hello(HelloFlags.Resumable, null, 0), cancellationToken);
        var welcome = await ReceiveAsync(socket, buffer, FrameType.Welcome, cancellationToken);
        await socket.SendAsync(RelayBytes.Empty(FrameType.Goodbye), cancellationToken);
        await ReceiveAsync(socket, buffer, FrameType.GoodbyeReply, cancellationToken);
        return (welcome.Flags & (byte)WelcomeFlags.Resumable) != 0;
    }

    private static async Task<bool> HasConfirmAsync(IPEndPoint hub, CancellationToken cancellationToken)
    {
        using var socket = await ConnectAsync(hub, cancellationToken);
        var buffer = new FrameBuffer(4 << 10);
        await socket.SendAsync(RelayBytes.Hello(HelloFlags.None, null, 0), cancellationToken);
        await ReceiveAsync(socket, buffer, FrameType.Welcome, cancellationToken);
        byte[] relay = RelayBytes.Relay(new([0], RelayFlags.Receipt | RelayFlags.Confirm, 0, IsText: false), 0, 0, 1);
        await socket.SendAsync(relay, cancellationToken);
        var answer = await ReceiveAsync(socket, buffer, null, cancellationToken);
        return answer.Type == FrameType.Receipt;
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint hub, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(hub, cancellationToken);
        return socket;
    }

    private static async Task<FrameHeader> ReceiveAsync(Socket socket, FrameBuffer buffer, FrameType? expected, CancellationToken cancellationToken)
    {
        Frame frame;
        while (!buffer.TryTake(out frame))
        {
            int count = await socket.ReceiveAsync(buffer.Room(), cancellationToken);
            buffer.Commit(count > 0 ? count : throw new IOException("the hub closed the connection"));
        }

        return expected is null || frame.Header.Type == expected
            ? frame.Header
            : throw new IOException($"the hub answered with {frame.Header.Type} instead of {expected}");
    }
}
