using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// What a connection receives: into the loop's buffer, which all its connections share. What the protocol leaves is held: in a small
/// block of its own if it is the beginning of something, in place if it is work for later. The loop's thread. A mutable struct, so that a
/// connection is one object.
/// </summary>
internal struct ReceiveWindow(Connection connection)
{
    /// <summary>What a protocol may leave unconsumed while it waits for more: it is copied from turn to turn.</summary>
    public const int MaxUnconsumedBytes = BlockSizes.MediumBytes;

    private const int MinReadBytes = 32 << 10;

    // Who sends small messages gets one read, so that a flood of them keeps others waiting no longer than need be; a large frame
    // is taken while what has come of it is in the cache. See docs/adr/0008.
    private const int MaxReadsPerTurn = 4;

    private const int UrgentBytes = BlockSizes.MediumBytes;
    private const int MaxUrgentReads = 16;

    private Segment _held;
    private ReceiveClaim? _claim;

    // Reads follow the traffic: a sender that had to wait is read in small pieces, since what it has in hand while it waits is
    // message memory; one that fills its reads without waiting gets larger ones.
    private int _readBytes = MinReadBytes;
    private bool _readable;
    private bool _inputEnds;
    private bool _mustConsume;

    /// <summary>When bytes last came, or when receiving went on after a pause.</summary>
    public long LastReceived { get; private set; } = connection.Loop.Now;

    /// <summary>Bytes that have come in all.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>When receiving last went on after the hub had stopped it.</summary>
    public long HeldUpUntil { get; private set; }

    /// <summary>The peer sends nothing more, and everything it sent is in front of the protocol.</summary>
    public bool IsFinal { get; private set; }

    /// <summary>Whether the bytes in front of the protocol have grown since it last saw them.</summary>
    public bool HasArrived { get; private set; }

    /// <summary>The most bytes that are received at one time: before authentication, no more than a HELLO.</summary>
    public int ReadLimit { get; set; } = int.MaxValue;

    /// <summary>Bytes that the protocol keeps of a request that has not wholly come; the protocol says so.</summary>
    public int UnfinishedBytes { get; set; }

    /// <summary>Bytes that are kept of what has come and could not be used yet.</summary>
    public int KeptBytes => _held.Length + UnfinishedBytes + connection.Layer.HeldBytes;

    /// <summary>Bytes set aside for what the peer has begun.</summary>
    public long ClaimedBytes => _claim?.Bytes ?? 0;

    /// <summary>When it last was given memory to go on with.</summary>
    public long AdmittedAt => _claim?.AdmittedAt ?? 0;

    /// <summary>Whether receiving waits for memory.</summary>
    public bool IsStarved { get; private set; }

    /// <summary>What was received and not consumed.</summary>
    public ReadOnlySpan<byte> Held => _held.Length > 0 ? _held.Span : [];

    private bool MayConsume => connection.IsOpen && !connection.IsPaused && !IsStarved;

    /// <summary>The kernel has something to receive, or nothing more will come.</summary>
    public void NoteReady(bool isEnd)
    {
        _readable = true;
        _inputEnds |= isEnd;
    }

    /// <summary>What has come before the connection broke is still carried out.</summary>
    public void NoteEnd() => _inputEnds = true;

    /// <summary>After a pause the peer is read in small pieces again.</summary>
    public void NotePause() => _readBytes = MinReadBytes;

    /// <summary>Receiving goes on after the hub had stopped it.</summary>
    public void NoteHeldUp() => LastReceived = HeldUpUntil = connection.Loop.Now;

    /// <summary>There is memory again.</summary>
    public void NoteMemory()
    {
        IsStarved = false;
        NoteHeldUp();
        (_claim ??= new(connection)).NoteAdmitted();
    }

    /// <summary>Whether there is memory to answer another request. If not, the connection goes on as soon as there is.</summary>
    public bool MayTakeWork()
    {
        if (!connection.Loop.Pool.IsLow)
        {
            return true;
        }

        Starve();
        return false;
    }

    /// <summary>Offers the protocol what it left once more, although nothing has come.</summary>
    public void Reconsume()
    {
        if (MayConsume)
        {
            ConsumeHeld();
        }
    }

    /// <summary>
    /// Looks once more whether anything has come, and offers it to the protocol. False if nothing has, not even a part of an encrypted
    /// record, although the connection was ready to receive.
    /// </summary>
    public bool ReceiveOnceMore()
    {
        long before = ReceivedBytes;
        _readable = true;
        connection.Receive();
        return !MayConsume || _readable || IsFinal || ReceivedBytes != before || connection.Layer.HeldBytes > 0;
    }

    /// <summary>Receives what is there and may be, and offers it to the protocol.</summary>
    /// <param name="isPutOff">Whether it was put off in this turn: then it is read once more.</param>
    public void Receive(bool isPutOff = false)
    {
        if (MayConsume && (_mustConsume || IsFinal))
        {
            ConsumeHeld();
        }

        for (int reads = isPutOff ? MaxReadsPerTurn - 1 : 0; MayConsume && !IsFinal && (_readable || _inputEnds); reads++)
        {
            if (reads >= (UnfinishedBytes > 0 || isPutOff ? MaxReadsPerTurn : 1))
            {
                connection.Post(ConnectionWork.Receive);
                break;
            }

            if (connection.Loop.PutsOff(connection, _held.Length + MinReadBytes))
            {
                break;
            }

            ReceiveOnce();
        }

        if (IsStarved && _readable && _held.Length == 0 && connection.IsOpen)
        {
            ReceiveUrgent();
        }
    }

    /// <summary>Waits for memory.</summary>
    public void Starve()
    {
        if (!IsStarved && connection.Lifetime.MayWaitForMemory())
        {
            IsStarved = true;
            connection.Loop.AwaitMemory(connection);
        }
    }

    /// <summary>Lets go of what was received.</summary>
    public void Release()
    {
        ReleaseHeld();
        connection.Layer.ReleaseInput();
    }

    /// <summary>Lets go of the memory that was set aside.</summary>
    public void ReleaseClaim() => _claim?.Release();

    /// <summary>
    /// Lets the protocol deal with what needs no memory. Only at the front: what stands behind something else waits with that.
    /// </summary>
    private void ReceiveUrgent()
    {
        Span<byte> front = stackalloc byte[UrgentBytes];
        for (int reads = 0; reads < MaxUrgentReads && connection.IsOpen; reads++)
        {
            long seen = connection.Layer.Peek(front);
            int used = seen > 0 ? connection.Handler.ConsumeUrgent(front[..(int)seen]) : 0;
            if (used == 0)
            {
                return;
            }

            connection.Layer.Drop(used);
            LastReceived = connection.Loop.Now;
        }
    }

    /// <summary>Offers the protocol again what it left, without reading more.</summary>
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

        _claim?.Settle();
    }

    private void ReceiveOnce()
    {
        var loop = connection.Loop;
        if (connection.Layer.IsOpening)
        {
            connection.Layer.Receive([], loop.Counters, out _);
            _readable = _inputEnds = false;
            return;
        }

        var buffer = loop.ReceiveBuffer;
        int carried = _held.Length;
        int admitted = Admit();
        if (admitted == 0)
        {
            return;
        }

        if (!loop.ReceiveBuffer.TryReserve(carried + MinReadBytes))
        {
            Starve();
            return;
        }

        int start = buffer.Tail;
        if (carried > 0)
        {
            _held.Span.CopyTo(buffer.Block.Span(start, carried));
            buffer.Commit(carried);
            ReleaseHeld();
        }

        int room = Math.Min(buffer.Room, Math.Min(_readBytes, Math.Min(admitted, ReadLimit)));
        long received = connection.Layer.Receive(buffer.Block.Span(buffer.Tail, room), loop.Counters, out _readable);
        if (received > 0)
        {
            buffer.Commit((int)received);
            LastReceived = loop.Now;
            ReceivedBytes += received;
            if (_readable)
            {
                _readBytes = Math.Min(_readBytes * 2, BlockSizes.LargeBytes);
            }
        }
        else if (!_readable)
        {
            _inputEnds = false;
            IsFinal = received != ByteLayer.WouldBlock || connection.IsBroken;
            if (received == ByteLayer.Broken && !connection.IsBroken)
            {
                connection.PeerIsGone();
                if (!connection.IsOpen)
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

        _claim?.Settle();
    }

    /// <summary>How much may be received now; if nothing, the connection goes on when its claim is granted.</summary>
    private int Admit()
    {
        if (_claim is not { IsHeld: true } && !connection.Loop.Pool.IsScarce)
        {
            return int.MaxValue;
        }

        _claim ??= new(connection);
        int admitted = _claim.Admit(out bool waits);
        IsStarved |= waits;
        return admitted;
    }

    /// <summary>Offers bytes to the protocol and holds what it leaves; returns how much that is.</summary>
    private int Consume(in Segment input)
    {
        int rest = input.Length - connection.Handler.Consume(input);
        _mustConsume = !MayConsume;
        if (!connection.IsOpen)
        {
            return 0;
        }

        if (IsFinal && MayConsume)
        {
            if (connection.IsBroken)
            {
                connection.Abort(CloseReason.Reset);
            }
            else
            {
                connection.Close(connection.Layer.HasFailed ? CloseReason.ProtocolError : CloseReason.Left);
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

    private Block? TryRentToHold(BlockSize size)
    {
        var pool = connection.Loop.Pool;
        return _claim is { IsHeld: true } ? pool.Rent(size) : pool.TryRentForReceiving(size);
    }

    /// <summary>Lets go of what was received, but not of what the layer keeps.</summary>
    public void ReleaseHeld()
    {
        if (_held.Length > 0)
        {
            _held.Block.Release();
            _held = default;
        }
    }
}
