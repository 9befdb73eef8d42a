using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>How an idle user became one.</summary>
internal enum IdleKind
{
    /// <summary>It said HELLO.</summary>
    Binary,

    /// <summary>It asked for its identity.</summary>
    Text,

    /// <summary>It never said anything, and was taken for a text user.</summary>
    Silent,
}

/// <summary>A user who connects, does nothing, and hears whether a message still reaches it.</summary>
internal sealed class IdleUser : IDisposable
{
    private readonly IdleKind _kind;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private IdleUser(IdleKind kind) => _kind = kind;

    public static async Task<IdleUser> ConnectAsync(IPEndPoint hub, IdleKind kind)
    {
        var user = new IdleUser(kind);
        await user._socket.ConnectAsync(hub);
        switch (kind)
        {
            case IdleKind.Binary:
                await user._socket.SendAsync(BinaryPeer.Hello());
                await user.ReceiveAsync(ProtocolLimits.HeaderBytes + WelcomePayload.Length, CancellationToken.None);
                break;
            case IdleKind.Text:
                await user._socket.SendAsync("identity\n"u8.ToArray());
                while ((await user.ReceiveAsync(1, CancellationToken.None))[0] != (byte)'\n')
                {
                }

                break;
        }

        return user;
    }

    /// <summary>Whether exactly this message is what comes.</summary>
    public async Task<bool> GetsAsync(ulong sender, string body, CancellationToken cancellationToken)
    {
        byte[] text = Encoding.UTF8.GetBytes(body);
        byte[] expected = [.. text, (byte)'\n'];
        if (_kind == IdleKind.Binary)
        {
            expected = new byte[ProtocolLimits.DeliveryHeaderBytes + text.Length];
            new DeliveryHeader(sender, text.Length).Write(expected);
            text.CopyTo(expected, ProtocolLimits.DeliveryHeaderBytes);
        }

        try
        {
            byte[] got = await ReceiveAsync(expected.Length, cancellationToken);
            return got.AsSpan().SequenceEqual(expected);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<byte[]> ReceiveAsync(int count, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[count];
        for (int have = 0; have < count;)
        {
            int got = await _socket.ReceiveAsync(bytes.AsMemory(have), cancellationToken);
            have += got > 0 ? got : throw new EndOfStreamException("the hub closed the connection");
        }

        return bytes;
    }
}
