using System.Net;
using System.Net.Sockets;
using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Relays large bodies to a crowd in turn, without pause, counts what the receipts say, and comes back if it is cut.</summary>
internal sealed class FloodSender(IPEndPoint hub, DeafClient[] crowd, int bodyBytes, int first) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly byte[] _frame = new byte[RelayFrame.Bytes(RelayFlags.Receipt, bodyBytes)];
    private readonly long[] _outcomes = new long[256];
    private BinaryPeer? _peer;
    private int _turn = first;
    private volatile bool _stop;

    /// <summary>Every id that it had.</summary>
    public List<ulong> Ids { get; } = [];

    /// <summary>How connections ended or were refused, and how often.</summary>
    public Dictionary<string, long> Endings { get; } = [];

    /// <summary>Relays so far of which a receipt said this.</summary>
    public long CountOf(Outcome outcome) => Volatile.Read(ref _outcomes[(byte)outcome]);

    /// <summary>Relays so far of which a receipt said anything.</summary>
    public long Answered => _outcomes.Sum();

    public async Task RunAsync()
    {
        while (!_stop)
        {
            try
            {
                _peer = await BinaryPeer.ConnectAsync(hub, 4 << 10);
                Ids.Add(_peer.UserId);
                Task reading = ReadAsync(_peer);
                await SendAsync(_peer, reading);
                await reading;
            }
            catch (Exception exception) when (exception is IOException or SocketException or InvalidDataException or ObjectDisposedException)
            {
                if (!_stop)
                {
                    string ending = exception is SocketException error ? error.SocketErrorCode.ToString() : exception.Message;
                    Endings[ending] = Endings.GetValueOrDefault(ending) + 1;
                    await Task.Delay(Pause);
                }
            }

            _peer?.Dispose();
        }
    }

    /// <summary>Ends it at once, whatever it waits for.</summary>
    public void Stop()
    {
        _stop = true;
        _peer?.Dispose();
    }

    public void Dispose() => _peer?.Dispose();

    private async Task SendAsync(BinaryPeer peer, Task reading)
    {
        for (long number = 0; !_stop && !reading.IsCompleted; number++)
        {
            _turn = (_turn + 1) % crowd.Length;
            RelayFrame.Write(_frame, RelayFlags.Receipt, (ulong)number, crowd[_turn].UserId, peer.UserId, number);
            try
            {
                await peer.Wire.SendAsync(_frame);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // What is read tells why.
                return;
            }
        }
    }

    private async Task ReadAsync(BinaryPeer peer)
    {
        while (true)
        {
            var frame = await peer.ReceiveAsync();
            if (frame.Type == FrameType.Receipt && frame.Payload.Length == 9)
            {
                _outcomes[frame.Payload.Span[8]]++;
            }
        }
    }
}
