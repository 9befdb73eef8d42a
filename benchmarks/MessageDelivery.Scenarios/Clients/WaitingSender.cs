using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Relays so many messages with receipts, a batch at a time, and counts what became of them.</summary>
internal sealed class WaitingSender(BinaryPeer peer, DeafPlace place, int bodyBytes, long relays) : IDisposable
{
    private const int RelaysPerBatch = 16;
    private readonly long[] _outcomes = new long[256];
    private long _answered;

    /// <summary>Receipts that did not come in the order of their relays, or with another number of outcomes.</summary>
    public long Disordered { get; private set; }

    public long Answered => Volatile.Read(ref _answered);

    public long CountOf(Outcome outcome) => _outcomes[(byte)outcome];

    public async Task RunAsync()
    {
        int frameBytes = RelayFrame.Bytes(RelayFlags.Receipt, bodyBytes);
        byte[] frames = new byte[RelaysPerBatch * frameBytes];
        for (long number = 0; number < relays;)
        {
            var receiver = place.Current;
            int batch = (int)Math.Min(RelaysPerBatch, relays - number);
            for (int i = 0; i < batch; i++)
            {
                RelayFrame.Write(
                    frames.AsSpan(i * frameBytes, frameBytes),
                    RelayFlags.Receipt, (ulong)(number + i), receiver.UserId, peer.UserId, number + i);
            }

            var sending = peer.Wire.SendAsync(frames.AsMemory(0, batch * frameBytes));
            bool reached = true;
            for (int i = 0; i < batch; i++)
            {
                reached &= Count(await peer.ReceiveAsync(), (ulong)(number + i), receiver);
            }

            await sending;
            number += batch;
            if (!reached)
            {
                await place.WaitForOtherThanAsync(receiver);
            }
        }
    }

    public void Dispose() => peer.Dispose();

    private bool Count(in Frame frame, ulong correlation, DeafReceiver receiver)
    {
        var payload = frame.Payload.Span;
        if (frame.Type != FrameType.Receipt || payload.Length != 9
            || System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(payload) != correlation)
        {
            Disordered++;
            return true;
        }

        var outcome = (Outcome)payload[8];
        _outcomes[(byte)outcome]++;
        Volatile.Write(ref _answered, _answered + 1);
        if (outcome == Outcome.Accepted)
        {
            receiver.Accepted();
        }

        return outcome == Outcome.Accepted;
    }
}
