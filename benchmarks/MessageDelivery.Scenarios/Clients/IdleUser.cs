using System.Net.Sockets;
using System.Net;
using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>How an idle user became one.</summary>
internal enum IdleKind
{
    /// <summary>It said HELLO.</summary>
    Binary,

    /// <summary>It said HELLO over WebSocket.</summary>
    WebSocket,

    /// <summary>It asked for its identity.</summary>
    Text,

    /// <summary>It never said anything, and was taken for a text user.</summary>
    Silent,
}

/// <summary>A user who connects, does nothing, and hears whether a message still reaches it.</summary>
internal sealed class IdleUser : IDisposable
{
    private const int SmallBufferBytes = 256;

    private readonly IdleKind _kind;
    private readonly WireConnection _wire;

    private IdleUser(IdleKind kind, WireConnection wire) => (_kind, _wire) = (kind, wire);

    public static async Task<IdleUser> ConnectAsync(IPEndPoint hub, IdleKind kind)
    {
        var wire = await WireConnection.ConnectAsync(hub, bufferBytes: SmallBufferBytes);
        if (kind == IdleKind.WebSocket)
        {
            await wire.UpgradeAsync($"{hub}");
        }

        switch (kind)
        {
            case IdleKind.Binary or IdleKind.WebSocket:
                await wire.SendAsync(FrameBytes.Hello());
                await wire.ReceiveFrameAsync();
                break;
            case IdleKind.Text:
                await wire.SendAsync("identity\n"u8.ToArray());
                await wire.ReceiveLineAsync();
                break;
        }

        return new(kind, wire);
    }

    /// <summary>Whether exactly this message is what comes.</summary>
    public async Task<bool> GetsAsync(ulong sender, string body, CancellationToken cancellationToken)
    {
        byte[] text = Encoding.UTF8.GetBytes(body);
        byte[] expected = [.. text, (byte)'\n'];
        if (_kind is IdleKind.Binary or IdleKind.WebSocket)
        {
            expected = new byte[ProtocolLimits.DeliveryHeaderBytes + text.Length];
            new DeliveryHeader(sender, text.Length).Write(expected);
            text.CopyTo(expected, ProtocolLimits.DeliveryHeaderBytes);
        }

        try
        {
            return (await _wire.ReceiveExactlyAsync(expected.Length, cancellationToken)).Span.SequenceEqual(expected);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose() => _wire.Dispose();
}
