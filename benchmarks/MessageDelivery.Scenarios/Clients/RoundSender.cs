using System.Buffers.Binary;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Sends a numbered message to everybody, round after round, waits for the receipts, and counts what they say.</summary>
internal sealed class RoundSender(BinaryPeer peer, int bodyBytes, TimeSpan pause) : IDisposable
{
    private readonly long[] _outcomes = new long[256];
    private long _rounds;
    private volatile bool _stop;

    public ulong UserId => peer.UserId;

    /// <summary>Rounds whose receipts have all come.</summary>
    public long Rounds => Volatile.Read(ref _rounds);

    /// <summary>Receivers so far of whom a receipt said this.</summary>
    public long CountOf(Outcome outcome) => Volatile.Read(ref _outcomes[(byte)outcome]);

    /// <summary>Receivers so far of whom a receipt said anything.</summary>
    public long Receivers => _outcomes.Sum();

    /// <summary>Ends after the round in which <see cref="Stop"/> was called.</summary>
    public async Task RunAsync(ulong[] users)
    {
        ulong correlation = 0;
        while (!_stop)
        {
            foreach (ulong[] receivers in users.Chunk(ProtocolLimits.MaxReceivers))
            {
                byte[] frame = new byte[RelayFrame.Bytes(RelayFlags.Receipt, bodyBytes, receivers.Length)];
                RelayFrame.Write(frame, RelayFlags.Receipt, ++correlation, receivers, peer.UserId, _rounds);
                await peer.Wire.SendAsync(frame);
                Count(await peer.ReceiveAsync(), correlation, receivers.Length);
            }

            Volatile.Write(ref _rounds, _rounds + 1);
            if (!_stop)
            {
                await Task.Delay(pause);
            }
        }
    }

    public void Stop() => _stop = true;

    public void Dispose() => peer.Dispose();

    private void Count(in Frame frame, ulong correlation, int receivers)
    {
        var payload = frame.Payload.Span;
        if (frame.Type != FrameType.Receipt || payload.Length != 8 + receivers
            || BinaryPrimitives.ReadUInt64LittleEndian(payload) != correlation)
        {
            throw new InvalidDataException($"a {frame.Type} of {payload.Length} bytes came instead of receipt {correlation}");
        }

        foreach (byte outcome in payload[8..])
        {
            _outcomes[outcome]++;
        }
    }
}
