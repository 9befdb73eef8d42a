using System.Net.Security;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// TLS after its handshake. It holds memory only for the part of a record that has come, and for what the layer below has not taken of
/// what was encrypted.
/// </summary>
/// <remarks>
/// Sending says that bytes were taken when the lower layer has taken them encrypted: those that are encrypted and wait for it still
/// stand at the queue's front, and are not encrypted again.
/// </remarks>
internal sealed unsafe class TlsLayer : UpperLayer
{
    // A peer may send records that bring nothing: key updates. Others are not kept waiting for them.
    private const int MaxEmptyReads = 4;

    private readonly SslStream _ssl;
    private readonly RecordStream _records;
    private LayerBuffer _held;
    private LayerBuffer _plain;
    private UnsentBytes _unsent;
    private long _ahead;
    private bool _hasEnded;
    private bool _hasFailed;
    private bool _saysGoodbye;

    /// <param name="handshake">One that has succeeded; its stream is this layer's from now on.</param>
    /// <param name="held">What came after it; taken over.</param>
    public TlsLayer(ByteLayer lower, BlockPool pool, TlsHandshake handshake, ref LayerBuffer held)
        : base(lower)
    {
        _ssl = handshake.Ssl;
        _records = handshake.Stream;
        PeerCertificate = handshake.Peer;
        _held = new(pool);
        _plain = new(pool);
        _unsent = new(pool);

        // What came behind the handshake stands before what has come since.
        byte[] input = TlsScratch.Current.Input;
        var rest = handshake.TakeRest();
        rest.CopyTo(input);
        int length = rest.Length + held.Take(input.AsSpan(rest.Length));
        _held.Keep(input.AsSpan(0, length));
        _records.IsEstablished = true;
    }

    /// <inheritdoc/>
    public override bool IsEncrypted => true;

    /// <inheritdoc/>
    public override PeerCertificate PeerCertificate { get; }

    /// <inheritdoc/>
    public override int HeldBytes => _held.Count + _plain.Count + base.HeldBytes;

    /// <summary>Receives what is inside. An end without the peer's word for it (close_notify) is a break.</summary>
    /// <param name="destination">Room; what a record holds beyond it is kept.</param>
    public override long Receive(Span<byte> destination, LoopCounters counters, out bool more)
    {
        more = true;
        if (_plain.Count > 0)
        {
            return _plain.Take(destination);
        }

        for (int reads = 0; reads < MaxEmptyReads; reads++)
        {
            if (_hasFailed || _hasEnded)
            {
                more = false;
                return _hasFailed ? Broken : 0;
            }

            // With little room, one record at a time is read and kept in the clear.
            bool isNarrow = destination.Length < _held.Count + TlsRecord.MaxBytes;
            var scratch = TlsScratch.Current;
            int length = _held.Take(scratch.Input);
            int most = isNarrow ? 1 : int.MaxValue;
            int whole = TlsRecord.WholeBytes(scratch.Input.AsSpan(0, length), most);
            bool isDrained = false;
            if (whole == 0)
            {
                int wanted = isNarrow
                    ? TlsRecord.Missing(scratch.Input.AsSpan(0, length))
                    : Math.Min(scratch.Input.Length, destination.Length) - length;
                long received = Lower.Receive(scratch.Input.AsSpan(length, wanted), counters, out bool mayBeMore);
                if (received <= 0)
                {
                    _held.Keep(scratch.Input.AsSpan(0, length));
                    more = false;
                    return received == 0 ? Broken : received;
                }

                isDrained = !mayBeMore;
                length += (int)received;
                whole = TlsRecord.WholeBytes(scratch.Input.AsSpan(0, length), most);
            }

            _hasFailed = whole == TlsRecord.Junk;
            int plain = whole <= 0 ? 0 : isNarrow ? DecryptToKeep(scratch, whole, destination) : Decrypt(scratch, whole, destination);
            _held.Keep(scratch.Input.AsSpan(Math.Max(whole, 0)..length));
            if (plain > 0)
            {
                more = !isDrained || _plain.Count > 0 || _hasFailed || _hasEnded;
                return plain;
            }
        }

        return WouldBlock;
    }

    /// <inheritdoc/>
    public override long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters)
    {
        var status = _unsent.Send(Lower, counters);
        if (status == SendStatus.Blocked)
        {
            return 0;
        }

        var source = new PlainReader(vectors);
        long taken = source.Skip(_ahead);
        _ahead -= taken;
        if (status == SendStatus.Broken)
        {
            return BrokenAfter(taken);
        }

        var scratch = TlsScratch.Current;
        while (!source.IsAtEnd)
        {
            scratch.ClearOutput();
            int plain = Encrypt(scratch, ref source);
            long sent = plain < 0 ? Broken : Lower.Send(scratch.Output, counters);
            if (sent < 0)
            {
                scratch.ClearOutput();
                return BrokenAfter(taken);
            }

            if (sent < scratch.OutputLength)
            {
                _unsent.Add(scratch.Output[(int)sent..]);
                _ahead += plain;
                break;
            }

            taken += plain;
        }

        scratch.ClearOutput();
        return taken;
    }

    /// <inheritdoc/>
    public override bool TryFinish(LoopCounters counters)
    {
        if (!_saysGoodbye)
        {
            _saysGoodbye = true;
            var scratch = TlsScratch.Current;
            scratch.ClearOutput();
            try
            {
                _ssl.ShutdownAsync().GetAwaiter().GetResult();
                _unsent.Add(scratch.Output);
            }
            catch (Exception error) when (error is IOException or InvalidOperationException)
            {
                // It is broken, and has no words any more.
            }
        }

        return _unsent.Send(Lower, counters) != SendStatus.Blocked && base.TryFinish(counters);
    }

    /// <inheritdoc/>
    public override void ReleaseInput()
    {
        _held.Clear();
        _plain.Clear();
        base.ReleaseInput();
    }

    /// <inheritdoc/>
    public override void Close()
    {
        ReleaseInput();
        _unsent.Clear();
        try
        {
            _ssl.Dispose();
        }
        finally
        {
            base.Close();
        }
    }

    private int Decrypt(TlsScratch scratch, int length, Span<byte> destination)
    {
        fixed (byte* start = destination)
        {
            return Decrypt(scratch, length, scratch.Window.Over(start, destination.Length));
        }
    }

    private int Decrypt(TlsScratch scratch, int length, Memory<byte> destination)
    {
        int plain = 0;
        fixed (byte* records = scratch.Input)
        {
            _records.Offer(records, length);
            while (_records.UnreadBytes > 0 && !_hasEnded && !_hasFailed)
            {
                try
                {
                    var reading = _ssl.ReadAsync(destination[plain..]);
                    int read = reading.IsCompleted
                        ? reading.GetAwaiter().GetResult()
                        : throw new InvalidOperationException("Reading a whole record did not end at once.");
                    plain += read;
                    _hasEnded = read == 0;
                }
                catch (Exception error) when (error is IOException or InvalidOperationException)
                {
                    _hasFailed = !_records.RanDry;
                }
            }

            _records.Offer(null, 0);
        }

        return plain;
    }

    private int DecryptToKeep(TlsScratch scratch, int length, Span<byte> destination)
    {
        int plain = Decrypt(scratch, length, scratch.Plain);
        int taken = Math.Min(plain, destination.Length);
        scratch.Plain.AsSpan(0, taken).CopyTo(destination);
        _plain.Keep(scratch.Plain.AsSpan(taken, plain - taken));
        return taken;
    }

    /// <summary>Encrypts as much as leaves in one send; returns plain bytes, or a negative number if that cannot be done any more.</summary>
    private int Encrypt(TlsScratch scratch, ref PlainReader source)
    {
        int plain = 0;
        try
        {
            for (int records = 0; records < TlsScratch.RecordsPerSend && scratch.HasRoomForRecord && !source.IsAtEnd; records++)
            {
                var next = source.Next(scratch);
                var writing = _ssl.WriteAsync(next);
                if (!writing.IsCompleted)
                {
                    throw new InvalidOperationException("Writing a record did not end at once.");
                }

                writing.GetAwaiter().GetResult();
                plain += next.Length;
            }
        }
        catch (Exception error) when (error is IOException or InvalidOperationException)
        {
            return -1;
        }

        return plain;
    }
}
