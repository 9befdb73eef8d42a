using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Who is told how a handshake goes. Called on the connection's loop.</summary>
internal interface ITlsOwner
{
    /// <summary>What came was not TLS, or broke off; or there are too many handshakes.</summary>
    /// <param name="forLoad">Whether it is the latter.</param>
    void HandshakeRefused(bool forLoad);

    /// <summary>It has failed, and an alert that says so is sent.</summary>
    void HandshakeFailed(string why);

    /// <summary>It has succeeded.</summary>
    /// <param name="secured">The layer to go on with.</param>
    void HandshakeDone(TlsLayer secured);
}

/// <summary>TLS while it shakes hands: it brings nothing that is inside yet, and takes nothing.</summary>
internal sealed class TlsHandshakeLayer(ByteLayer lower, BlockPool pool, TlsHandshake handshake, ITlsOwner owner) : UpperLayer(lower)
{
    private LayerBuffer _held = new(pool);
    private UnsentBytes _unsent = new(pool);
    private bool _isOver;

    /// <inheritdoc/>
    public override bool IsOpening => true;

    /// <inheritdoc/>
    public override bool IsEncrypted => true;

    /// <inheritdoc/>
    public override int HeldBytes => _held.Count + base.HeldBytes;

    /// <summary>Takes what the handshake began with, received by others.</summary>
    public void Begin(ReadOnlySpan<byte> records)
    {
        if (!TryTake(records, out bool isForLoad))
        {
            Refuse(isForLoad);
        }
    }

    /// <inheritdoc/>
    public override long Receive(Span<byte> destination, LoopCounters counters, out bool more)
    {
        more = false;
        if (!_isOver && !TryReceive(counters, out bool isForLoad))
        {
            Refuse(isForLoad);
        }

        return WouldBlock;
    }

    /// <inheritdoc/>
    public override long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters) => 0;

    /// <inheritdoc/>
    public override bool OnWritable(LoopCounters counters) => GoOn(counters);

    /// <inheritdoc/>
    public override bool OnPosted(LoopCounters counters) => GoOn(counters);

    /// <inheritdoc/>
    public override void ReleaseInput()
    {
        _held.Clear();
        base.ReleaseInput();
    }

    /// <inheritdoc/>
    public override void Close()
    {
        ReleaseInput();
        _unsent.Clear();
        handshake.Dispose();
        base.Close();
    }

    /// <summary>Sends what the handshake has to say, and goes on when it is done. False if the connection is broken.</summary>
    private bool GoOn(LoopCounters counters)
    {
        if (_isOver)
        {
            return true;
        }

        // In this order: what is said at the end is there when the outcome is.
        var outcome = handshake.Outcome;
        _unsent.Add(handshake.TakeOutput());
        switch (_unsent.Send(Lower, counters))
        {
            case SendStatus.Broken:
                return false;
            case SendStatus.Sent when outcome == TlsOutcome.Failed:
                _isOver = true;
                owner.HandshakeFailed(handshake.Failure);
                break;
            case SendStatus.Sent when outcome == TlsOutcome.Succeeded:
                _isOver = true;
                (handshake.IsResumed ? ref counters.ResumedHandshakes : ref counters.FullHandshakes)++;
                owner.HandshakeDone(new(Lower, pool, handshake, ref _held));
                break;
            case SendStatus.Sent:
                // It may have waited for room.
                Receive([], counters, out _);
                break;
            default:
                break;
        }

        return true;
    }

    /// <summary>Receives what the handshake needs. False if the connection is to end: broken, or with what is no handshake.</summary>
    private bool TryReceive(LoopCounters counters, out bool isForLoad)
    {
        isForLoad = false;
        byte[] input = TlsScratch.Current.Input;
        while (!handshake.IsFull)
        {
            int length = _held.Take(input);
            int wanted = TlsRecord.MaxBytes - length;
            long received = Lower.Receive(input.AsSpan(length, wanted), counters, out _);
            length += (int)Math.Max(received, 0);
            if (!TryTake(input.AsSpan(0, length), out isForLoad))
            {
                return false;
            }

            if (received < wanted)
            {
                return received is > 0 or WouldBlock || (received == 0 && handshake.TryEnd());
            }
        }

        return true;
    }

    private bool TryTake(ReadOnlySpan<byte> records, out bool isForLoad)
    {
        int whole = TlsRecord.WholeBytes(records, int.MaxValue);
        isForLoad = whole > 0 && !handshake.TryFeed(records[..whole]);
        _held.Keep(records[Math.Max(whole, 0)..]);
        return whole != TlsRecord.Junk && !isForLoad && _held.Count <= TlsRecord.MaxBytes;
    }

    private void Refuse(bool isForLoad)
    {
        _isOver = true;
        owner.HandshakeRefused(isForLoad);
    }
}
