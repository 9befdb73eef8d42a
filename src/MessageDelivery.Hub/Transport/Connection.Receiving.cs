using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Receiving: into the loop's buffer, which all its connections share. What a handler leaves is held: in a small block of
/// its own if it is the beginning of something, in place if it is work for later.
/// </summary>
internal sealed partial class Connection
{
    /// <summary>What a handler may leave unconsumed while it waits for more: it is copied from turn to turn.</summary>
    public const int MaxUnconsumedBytes = BlockSizes.MediumBytes;

    private const int MinReadBytes = 32 << 10;

    // Who sends small messages gets one read, so that a flood of them keeps others waiting no longer than need be; a large frame
    // is taken while what has come of it is in the cache. See docs/adr/0008.
    private const int MaxReadsPerTurn = 4;

    private const int UrgentBytes = BlockSizes.MediumBytes;
    private const int MaxUrgentReads = 16;
    private const long MaxLingerBytes = 64L << 20;

    private Segment _held;

    // Reads follow the traffic: a sender that had to wait is read in small pieces, since what it has in hand while it waits is
    // message memory; one that fills its reads without waiting gets larger ones.
    private int _readBytes = MinReadBytes;
    private bool _readable;
    private bool _inputEnds;
    private bool _starved;
    private bool _mustConsume;
    private long _lingered;

    /// <summary>Whether the bytes in front of the handler have grown since it last saw them.</summary>
    public bool HasArrived { get; private set; }

    /// <summary>The most bytes that are received at one time: what a stranger sends behind its first words stays in the kernel.</summary>
    public int ReadLimit { get; set; } = int.MaxValue;

    private bool HoldsInput => _held.Length > 0;

    private bool MayConsume => _phase == Phase.Open && !_paused && !_starved;

    /// <summary>Whether there is memory to answer another request. If not, the connection goes on as soon as there is.</summary>
    public bool MayTakeWork()
    {
        if (!Loop.Pool.IsLow)
        {
            return true;
        }

        Starve();
        return false;
    }

    /// <summary>Offers the handler what it left once more, although nothing has come.</summary>
    public void Reconsume()
    {
        if (MayConsume)
        {
            ConsumeHeld();
        }
    }

    /// <summary>
    /// Looks once more whether anything has come, and offers it to the handler. False if nothing has, not even a part of an encrypted
    /// record, although the connection was ready to receive.
    /// </summary>
    public bool ReceiveOnceMore()
    {
        long before = ReceivedBytes;
        _readable = true;
        Receive();
        return !MayConsume || InputIsFinal || ReceivedBytes != before || _tls is { HeldBytes: > 0 };
    }

    internal void OnMemoryAvailable()
    {
        _starved = false;
        LastReceived = HeldUpUntil = _admittedAt = Loop.Now;
        Receive();
        Reschedule();
    }

    /// <summary>Bytes that the protocol keeps of a request that has not wholly come; the protocol says so.</summary>
    public int UnfinishedBytes { get; set; }

    /// <summary>Bytes it keeps of what has come and could not be used yet.</summary>
    internal int UnfinishedInputBytes => _held.Length + UnfinishedBytes + (_tls?.HeldBytes ?? 0);

    /// <summary>Whether it waits for memory.</summary>
    internal bool IsStarved => _starved;

    private void Receive()
    {
        if (_phase == Phase.Lingering)
        {
            DropInput();
            return;
        }

        if (MayConsume && (_mustConsume || InputIsFinal))
        {
            ConsumeHeld();
        }

        for (int reads = 0; MayConsume && !InputIsFinal && (_readable || _inputEnds); reads++)
        {
            if (reads >= (UnfinishedBytes > 0 ? MaxReadsPerTurn : 1))
            {
                Loop.Post(this, LoopWork.Receive);
                break;
            }

            ReceiveOnce();
        }

        if (_starved && _readable && !HoldsInput && _phase == Phase.Open && !IsEncrypted)
        {
            ReceiveUrgent();
        }

        Reschedule();
    }

    /// <summary>
    /// Lets the handler deal with what needs no memory. Only at the front: what stands behind something else waits with that.
    /// </summary>
    private void ReceiveUrgent()
    {
        Span<byte> front = stackalloc byte[UrgentBytes];
        for (int reads = 0; reads < MaxUrgentReads && _phase == Phase.Open; reads++)
        {
            long seen = StreamSocket.Peek(_socket, front);
            int used = seen > 0 ? Handler.ConsumeUrgent(front[..(int)seen]) : 0;
            if (used == 0)
            {
                return;
            }

            StreamSocket.Drop(_socket, used);
            LastReceived = Loop.Now;
        }
    }

    /// <summary>Offers the handler again what it left, without reading more.</summary>
    private void ConsumeHeld()
    {
        var held = _held;
        _held = default;
        HasArrived = false;
        try
        {
            Consume(held);
        }
        finally
        {
            held.Block?.Release();
        }

        SettleClaim();
    }

    private void ReceiveOnce()
    {
        if (IsShakingHands)
        {
            ReceiveHandshake();
            return;
        }

        var buffer = Loop.ReceiveBuffer;
        int carried = _held.Length;
        int admitted = Admit();
        if (admitted == 0)
        {
            return;
        }

        if (!Loop.TryReserveReceiveBuffer(carried + MinReadBytes))
        {
            Starve();
            return;
        }

        int start = buffer.Tail;
        if (carried > 0)
        {
            _held.Span.CopyTo(buffer.Block.Span(start, carried));
            buffer.Commit(carried);
            LetGoOfInput();
        }

        int room = Math.Min(buffer.Room, Math.Min(_readBytes, Math.Min(admitted, ReadLimit)));
        long received = ReceiveInto(buffer.Block, buffer.Tail, room, out _readable);
        if (received > 0)
        {
            buffer.Commit((int)received);
            LastReceived = Loop.Now;
            ReceivedBytes += received;
            if (_readable)
            {
                _readBytes = Math.Min(_readBytes * 2, BlockSizes.LargeBytes);
            }
        }
        else if (!_readable)
        {
            _inputEnds = false;
            InputIsFinal = received != StreamSocket.WouldBlock || _broken;
            if (received == StreamSocket.Broken && !_broken)
            {
                PeerIsGone();
                if (_phase != Phase.Open)
                {
                    return;
                }
            }
        }

        HasArrived = received > 0;
        int rest = Consume(new(buffer.Block, start, carried + (int)Math.Max(received, 0)));
        if (rest > 0 && !ReferenceEquals(_held.Block, buffer.Block))
        {
            // It was copied: the next connection's bytes follow what was consumed, so that deliveries of both can touch.
            buffer.Discard(rest);
        }

        SettleClaim();
    }

    /// <summary>Offers bytes to the handler and holds what it leaves; returns how much that is.</summary>
    private int Consume(in Segment input)
    {
        int rest = input.Length - Handler.Consume(input);
        _mustConsume = !MayConsume;
        if (_phase != Phase.Open)
        {
            return 0;
        }

        if (InputIsFinal && MayConsume)
        {
            if (_broken)
            {
                Abort(CloseReason.Reset);
            }
            else
            {
                Close(CloseReason.Left);
            }

            return 0;
        }

        if (rest > 0)
        {
            Hold(new(input.Block, input.End - rest, rest));
        }

        return rest;
    }

    /// <summary>Keeps bytes for later: copied if they are few and there is memory, else in the block where they are.</summary>
    private void Hold(in Segment rest)
    {
        if (rest.Length > MaxUnconsumedBytes || TryRentToHold(BlockSizes.For(rest.Length)) is not { } block)
        {
            rest.Block.Retain();
            _held = rest;
            return;
        }

        _held = new(block, 0, rest.Length);
        rest.Span.CopyTo(_held.Span);
    }

    private void LetGoOfInput()
    {
        if (HoldsInput)
        {
            _held.Block.Release();
            _held = default;
        }
    }

    private void LetGoOfAllInput()
    {
        LetGoOfInput();
        _tls?.LetGoOfInput();
    }

    private void Starve()
    {
        if (!_starved && MayBeKeptWaiting())
        {
            _starved = true;
            Loop.AddStarved(this);
        }
    }

    private void DropInput()
    {
        for (int reads = 0; reads < MaxReadsPerTurn; reads++)
        {
            long dropped = StreamSocket.Drop(_socket, BlockSizes.LargeBytes);
            if (dropped == StreamSocket.WouldBlock)
            {
                return;
            }

            _lingered += dropped;
            if (dropped <= 0 || _lingered > MaxLingerBytes)
            {
                Abort(Reason);
                return;
            }
        }

        Loop.Post(this, LoopWork.Receive);
    }
}
