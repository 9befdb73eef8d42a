using System.Numerics;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// The relay a sender is at: whom it is for, what became of it for each, and whom it still waits for. A sender has one and
/// uses it again; it does nothing else meanwhile.
/// </summary>
internal sealed class PendingRelay(IPausable sender) : IDeliveryWaiter
{
    // More of a relay to many than this is not kept for the next that has to wait.
    private const int MaxKeptDeliveries = 16;

    // Frames, text, and text with the line before it.
    private const int Forms = 3;

    private WaitingDelivery?[] _waitingFor = [];
    private HeldSegments?[] _recent = [];
    private ulong[] _receivers = [];
    private Outcome[] _outcomes = [];
    private int _count;
    private int _waiting;
    private int _refused;
    private int _overflowed;
    private int _relays;
    private bool _hasTurn;

    public ReadOnlySpan<ulong> Receivers => _receivers.AsSpan(0, _count);

    /// <summary>One for each receiver as listed; valid when it is done.</summary>
    public ReadOnlySpan<Outcome> Outcomes => _outcomes.AsSpan(0, _count);

    /// <summary>Whether every outcome is known.</summary>
    public bool IsDone => Volatile.Read(ref _waiting) == 0;

    /// <summary>What the sender may not do; null if it may do everything.</summary>
    public Rights? Rights { get; set; }

    /// <summary>Whether all relays of the sender leave out receivers whose queue is full, as those with BEST_EFFORT do.</summary>
    public bool LeavesOutFull { get; set; }

    /// <summary>The correlation of the receipt that is due when it is done; null for none.</summary>
    public ulong? ReceiptFor { get; set; }

    /// <summary>What delays the receipt until the receivers have acknowledged; null for nothing.</summary>
    public UnconfirmedRelays? Unconfirmed { get; set; }

    /// <summary>How many relays waited for a receiver that went, once for each receiver. Told once: then it is none.</summary>
    public long TakeRefused() => (long)Interlocked.Exchange(ref _refused, 0) * _relays;

    /// <summary>The same for receivers for whom more was waiting than is kept.</summary>
    public long TakeOverflowed() => (long)Interlocked.Exchange(ref _overflowed, 0) * _relays;

    /// <summary>Begins a relay to so many receivers; the caller fills in who they are.</summary>
    public Span<ulong> Begin(int receivers)
    {
        if (_receivers.Length < receivers)
        {
            int capacity = receivers == 1 ? 1 : ProtocolLimits.MaxReceivers;
            _receivers = new ulong[capacity];
            _outcomes = new Outcome[capacity];
        }

        if (_waitingFor.Length > MaxKeptDeliveries && receivers <= MaxKeptDeliveries)
        {
            _waitingFor = [];
        }

        _count = receivers;
        return _receivers.AsSpan(0, receivers);
    }

    /// <summary>Makes the sender wait until its own queue has room, so that it cannot ask for more than it reads. False if there is.</summary>
    public bool WaitsForRoom(OutboundQueue queue)
    {
        // Having stood in line is worth one request, even if others have filled the queue again meanwhile.
        if (_hasTurn || queue.HasRoomToAnswer)
        {
            _hasTurn = false;
            return false;
        }

        Begin(1);
        Queueing(relays: 0);
        bool waits = queue.TryAwaitRoomToAnswer(this);
        return _hasTurn = !Queued(waits ? 1 : 0);
    }

    public WaitingDelivery DeliveryAt(int index)
    {
        if (_waitingFor.Length <= index)
        {
            Array.Resize(ref _waitingFor, (int)BitOperations.RoundUpToPowerOf2((uint)index + 1));
        }

        return _waitingFor[index] ??= new(this, index);
    }

    public Span<HeldSegments?> Recent => _recent.Length > 0 ? _recent : _recent = new HeldSegments?[Forms];

    public Outcome this[int index]
    {
        get => _outcomes[index];
        set => _outcomes[index] = value;
    }

    /// <summary>Deliveries are being queued; it is not done until <see cref="Queued"/>, even if those that wait end sooner.</summary>
    /// <param name="relays">How many relays of the sender this is; none if it only waits.</param>
    public void Queueing(int relays)
    {
        _relays = relays;
        _refused = _overflowed = 0;
        Volatile.Write(ref _waiting, _count + 1);
    }

    /// <summary>Every delivery is queued, or one of so many that wait. True if none does any more.</summary>
    public bool Queued(int waiting)
    {
        int others = _count + 1 - waiting;
        return Interlocked.Add(ref _waiting, -others) == 0;
    }

    public void WaitEnded(WaitingDelivery delivery, QueueResult result)
    {
        switch (result)
        {
            case QueueResult.Accepted:
                _outcomes[delivery.Index] = Outcome.Accepted;
                break;
            case QueueResult.Held:
                _outcomes[delivery.Index] = Outcome.Held;
                break;
            case QueueResult.Overflowed:
                _outcomes[delivery.Index] = Outcome.Full;
                Interlocked.Increment(ref _overflowed);
                break;
            default:
                _outcomes[delivery.Index] = Outcome.Unknown;
                Interlocked.Increment(ref _refused);
                break;
        }

        if (Interlocked.Decrement(ref _waiting) == 0)
        {
            sender.Resume();
        }
    }
}
