using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>A loop and a socket in one, without either: takes as many bytes as it is told to.</summary>
internal sealed class FakePeer : IOutlet, IOutboundSink
{
    public List<byte> Received { get; } = [];

    /// <summary>How long each segment was that it was offered.</summary>
    public List<int> Pieces { get; } = [];

    /// <summary>Bytes it takes before it is full; negative is a broken connection.</summary>
    public long Room { get; set; } = long.MaxValue;

    public int FlushesScheduled { get; private set; }

    public int Watched { get; private set; }

    public int Sends { get; private set; }

    /// <summary>Called while a send is under way.</summary>
    public Action? WhileSending { get; set; }

    public long Now { get; set; }

    public LoopCounters Counters { get; } = new();

    public Segment[] SendScratch { get; } = new Segment[EventLoop.MaxVectors];

    public void ScheduleFlush(LoopEntry entry) => FlushesScheduled++;

    public void Watch(LoopEntry entry) => Watched++;

    /// <summary>What was not done at once.</summary>
    public Queue<ISlicedWork> Unfinished { get; } = [];

    public void DoLater(ISlicedWork work) => Unfinished.Enqueue(work);

    public bool HasToSay => false;

    public long Send(ReadOnlySpan<Segment> segments, LoopCounters counters)
    {
        Sends++;
        WhileSending?.Invoke();
        if (Room < 0)
        {
            return -2;
        }

        long taken = 0;
        foreach (var segment in segments)
        {
            Pieces.Add(segment.Length);
            int part = (int)Math.Min(segment.Length, Room);
            Received.AddRange(segment.Span[..part]);
            Room -= Room == long.MaxValue ? 0 : part;
            taken += part;
        }

        return taken;
    }
}

/// <summary>Somebody whose deliveries wait.</summary>
internal sealed class FakeWaiter : IDeliveryWaiter
{
    private readonly Dictionary<int, WaitingDelivery> _deliveries = [];

    private readonly HeldSegments?[] _recent = new HeldSegments?[3];

    public List<(int Place, bool Accepted)> Told { get; } = [];

    public Span<HeldSegments?> Recent => _recent;

    public WaitingDelivery DeliveryAt(int index) =>
        _deliveries.TryGetValue(index, out var delivery) ? delivery : _deliveries[index] = new(this, index);

    public void WaitEnded(WaitingDelivery delivery, QueueResult result) => Told.Add((delivery.Index, result is QueueResult.Accepted or QueueResult.Held));
}
