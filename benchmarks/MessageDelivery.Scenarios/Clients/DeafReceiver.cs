using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>A receiver that never reads, and how the hub got rid of it.</summary>
internal sealed class DeafReceiver(IPEndPoint hub) : IDisposable
{
    private readonly BinaryPeer _peer = BinaryPeer.Connect(hub, 2 << 20);
    private long _lastAccepted = Stopwatch.GetTimestamp();

    public ulong UserId => _peer.UserId;

    /// <summary>From the last relay that the hub accepted for it to its end.</summary>
    public TimeSpan Lasted { get; private set; }

    public string Ending { get; private set; } = "";

    /// <summary>The hub has put a relay into its queue.</summary>
    public void Accepted() => Volatile.Write(ref _lastAccepted, Stopwatch.GetTimestamp());

    /// <summary>Waits for the hub to cut it; false if that was not to be waited for.</summary>
    public async Task<bool> WaitForEndAsync(Func<bool> isInVain)
    {
        while (TcpState.IsEstablished(_peer.Wire.Socket))
        {
            if (isInVain())
            {
                return false;
            }

            await Task.Delay(5);
        }

        Lasted = Stopwatch.GetElapsedTime(Volatile.Read(ref _lastAccepted));
        Ending = ReadEnding();
        return true;
    }

    public void Dispose() => _peer.Dispose();

    /// <summary>Only now that it is over: what the kernel still has, and what stands behind it.</summary>
    private string ReadEnding()
    {
        long deliveries = 0;
        try
        {
            while (true)
            {
                if (_peer.Wire.ReceiveSome() == 0)
                {
                    return $"closed after {deliveries} deliveries";
                }

                while (_peer.TryTake(out var frame))
                {
                    deliveries += frame.Type == FrameType.Delivery ? 1 : 0;
                }
            }
        }
        catch (SocketException exception)
        {
            return $"{exception.SocketErrorCode} after {deliveries} deliveries";
        }
        catch (InvalidDataException goodbye)
        {
            return $"{goodbye.Message} (after {deliveries} deliveries)";
        }
    }
}
