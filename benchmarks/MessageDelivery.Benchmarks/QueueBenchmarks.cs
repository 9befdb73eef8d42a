using BenchmarkDotNet.Attributes;
using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Benchmarks;

/// <summary>One delivery into a queue and out of it again: gathered for a send, and let go when it was sent.</summary>
public class QueueBenchmarks
{
    private const int Deliveries = 1_000;
    private const int DeliveryBytes = 144;

    private readonly StillHub _hub = new();
    private StillUser _receiver = null!;
    private Segment _input;

    /// <summary>Whether each begins where the last ends, so that they are one piece, or not, so that each is a vector.</summary>
    [Params(true, false)]
    public bool Touching { get; set; }

    [GlobalSetup]
    public void Join()
    {
        _receiver = _hub.Join();
        _input = _hub.Fill(new byte[BlockSizes.LargeBytes]);
    }

    [Benchmark(OperationsPerInvoke = Deliveries)]
    public long QueueAndSend()
    {
        int step = Touching ? DeliveryBytes : DeliveryBytes + 1;
        for (int i = 0; i < Deliveries; i++)
        {
            var delivery = new Segment(_input.Block, i * step, DeliveryBytes);
            _receiver.Queue(new ReadOnlySpan<Segment>(in delivery));
        }

        _receiver.Flush();
        return _hub.SentBytes;
    }

    [GlobalCleanup]
    public void Leave()
    {
        _input.Block.Release();
        _hub.Dispose();
    }
}
