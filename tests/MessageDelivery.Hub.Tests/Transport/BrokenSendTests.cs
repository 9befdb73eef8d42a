using System.Runtime.InteropServices;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>A connection that breaks between two parts of a send: the peer may have got the first, and its total says so when it resumes.</summary>
public sealed unsafe class BrokenSendTests
{
    private const int PayloadBytes = 8 << 20;

    [Fact]
    public void What_a_WebSocket_sent_before_it_broke_counts_as_sent()
    {
        var lower = new BreakingLayer(wholeSends: 1);
        var layer = new WebSocketLayer(lower, first: []);

        long taken = Send(layer);
        Assert.InRange(taken, 1, PayloadBytes - 1);
        Assert.InRange(lower.TakenBytes - taken, 1, taken / 1_000);
        Assert.True(layer.IsBroken);
        Assert.Equal(ByteLayer.Broken, Send(layer));
    }

    [Fact]
    public void A_WebSocket_that_breaks_at_once_has_sent_nothing() =>
        Assert.Equal(ByteLayer.Broken, Send(new WebSocketLayer(new BreakingLayer(wholeSends: 0), first: [])));

    private static long Send(ByteLayer layer)
    {
        void* payload = NativeMemory.AllocZeroed(PayloadBytes);
        try
        {
            var vector = new Libc.IoVector { Address = (byte*)payload, Length = PayloadBytes };
            return layer.Send(new ReadOnlySpan<Libc.IoVector>(in vector), new LoopCounters());
        }
        finally
        {
            NativeMemory.Free(payload);
        }
    }

    /// <summary>Takes everything a few times, and then nothing for good.</summary>
    private sealed class BreakingLayer(int wholeSends) : ByteLayer
    {
        private int _left = wholeSends;

        public long TakenBytes { get; private set; }

        public override int Descriptor => -1;

        public override int UnacknowledgedBytes => 0;

        public override long Receive(Span<byte> destination, LoopCounters counters, out bool more)
        {
            more = false;
            return WouldBlock;
        }

        public override long Drop(int bytes) => WouldBlock;

        public override long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters)
        {
            if (_left-- <= 0)
            {
                return Broken;
            }

            long taken = 0;
            foreach (ref readonly var vector in vectors)
            {
                taken += vector.Length;
            }

            TakenBytes += taken;
            return taken;
        }

        public override bool TryFinish(LoopCounters counters) => true;

        public override bool HasVanished(long afterMilliseconds) => false;

        public override void ResetOnClose()
        {
        }

        public override void Close()
        {
        }
    }
}
