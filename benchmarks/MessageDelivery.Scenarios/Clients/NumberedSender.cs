using System.Net;
using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Sends numbered relays to one receiver as fast as it is let, until it is stopped.</summary>
internal sealed class NumberedSender : IDisposable
{
    private const int RelaysPerSend = 16;

    /// <summary>What the kernel holds must be read at the end, and should be no matter of gigabytes with 1,000 senders.</summary>
    private const int KernelBufferBytes = 64 << 10;

    private readonly BinaryPeer _peer;
    private long _sent;
    private volatile bool _stop;

    private NumberedSender(BinaryPeer peer) => _peer = peer;

    public ulong UserId => _peer.UserId;

    /// <summary>Relays that the kernel has taken in full.</summary>
    public long Sent => Volatile.Read(ref _sent);

    public static async Task<NumberedSender> ConnectAsync(IPEndPoint hub) =>
        new(await BinaryPeer.ConnectAsync(hub, 4 << 10, KernelBufferBytes));

    public void Stop() => _stop = true;

    /// <summary>Ends when the hub has carried out everything that was sent.</summary>
    public async Task RunAsync(ulong receiver, int bodyBytes)
    {
        int frameBytes = RelayFrame.Bytes(RelayFlags.None, bodyBytes);
        byte[] frames = new byte[RelaysPerSend * frameBytes];
        while (!_stop)
        {
            for (int i = 0; i < RelaysPerSend; i++)
            {
                RelayFrame.Write(frames.AsSpan(i * frameBytes, frameBytes), RelayFlags.None, 0, receiver, UserId, _sent + i);
            }

            await _peer.Wire.SendAsync(frames);
            Volatile.Write(ref _sent, _sent + RelaysPerSend);
        }

        await _peer.GoodbyeAsync();
    }

    public void Dispose() => _peer.Dispose();
}
