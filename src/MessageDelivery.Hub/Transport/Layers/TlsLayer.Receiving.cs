using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <content>Receiving, on the loop's thread.</content>
internal sealed unsafe partial class TlsLayer
{
    // A peer may send records that bring nothing: key updates. Others are not kept waiting for them.
    private const int MaxEmptyReads = 4;

    private Segment _held;
    private Segment _plain;
    private bool _hasEnded;
    private bool _hasFailed;

    /// <summary>Receives into a block; returns what <see cref="StreamSocket.Receive"/> does. An end without the peer's word for it is a break.</summary>
    /// <param name="room">Bytes that may come. What a record holds beyond that is kept.</param>
    /// <param name="more">Whether there may be more at once.</param>
    public long Receive(int socket, Block block, int offset, int room, LoopCounters counters, out bool more)
    {
        more = true;
        if (_plain.Length > 0)
        {
            return TakePlain(block.Span(offset, room));
        }

        for (int reads = 0; reads < MaxEmptyReads; reads++)
        {
            if (_hasFailed || _hasEnded)
            {
                more = false;
                return _hasFailed ? StreamSocket.Broken : 0;
            }

            // With little room, one record at a time is read and kept in the clear.
            bool isNarrow = room < _held.Length + TlsRecord.MaxBytes;
            var scratch = TlsScratch.Current;
            int length = TakeHeld(scratch.Input);
            int most = isNarrow ? 1 : int.MaxValue;
            int whole = TlsRecord.WholeBytes(scratch.Input.AsSpan(0, length), most);
            bool isDrained = false;
            if (whole == 0)
            {
                int wanted = isNarrow ? TlsRecord.Missing(scratch.Input.AsSpan(0, length)) : Math.Min(scratch.Input.Length, room) - length;
                long received = StreamSocket.ReceiveBytes(socket, scratch.Input.AsSpan(length, wanted));
                if (received <= 0)
                {
                    Hold(scratch.Input.AsSpan(0, length));
                    more = false;
                    return received == 0 ? StreamSocket.Broken : received;
                }

                counters.BytesReceived += received;
                isDrained = received < wanted;
                length += (int)received;
                whole = TlsRecord.WholeBytes(scratch.Input.AsSpan(0, length), most);
            }

            _hasFailed = whole == TlsRecord.Junk;
            int plain = whole <= 0 ? 0
                : isNarrow ? DecryptToKeep(scratch, whole, block.Span(offset, room))
                : Decrypt(scratch, whole, scratch.Window.Over(block.Address(offset), room));
            Hold(scratch.Input.AsSpan(Math.Max(whole, 0)..length));
            if (plain > 0)
            {
                more = !isDrained || _plain.Length > 0 || _hasFailed || _hasEnded;
                return plain;
            }
        }

        return StreamSocket.WouldBlock;
    }

    /// <summary>Receives what a handshake needs. False if the connection is to end: broken, or with what is no handshake.</summary>
    public bool TryReceiveHandshake(int socket, LoopCounters counters, out bool isRefused)
    {
        isRefused = false;
        var scratch = TlsScratch.Current;
        while (true)
        {
            if (Handshake.IsFull)
            {
                return true;
            }

            int length = TakeHeld(scratch.Input);
            int wanted = TlsRecord.MaxBytes - length;
            long received = StreamSocket.ReceiveBytes(socket, scratch.Input.AsSpan(length, wanted));
            counters.BytesReceived += Math.Max(received, 0);
            length += (int)Math.Max(received, 0);
            if (!TryTakeHandshake(scratch.Input.AsSpan(0, length), out isRefused))
            {
                return false;
            }

            if (received < wanted)
            {
                return received is > 0 or StreamSocket.WouldBlock || (received == 0 && Handshake.TryEnd());
            }
        }
    }

    /// <summary>Takes what a handshake began with, received by others.</summary>
    public bool TryTakeHandshake(ReadOnlySpan<byte> records, out bool isRefused)
    {
        int whole = TlsRecord.WholeBytes(records, int.MaxValue);
        isRefused = false;
        if (whole > 0)
        {
            isRefused = !Handshake.TryFeed(records[..whole]);
        }

        Hold(records[Math.Max(whole, 0)..]);
        return whole != TlsRecord.Junk && !isRefused && HeldBytes <= TlsRecord.MaxBytes;
    }

    private int Decrypt(TlsScratch scratch, int length, Memory<byte> destination)
    {
        var stream = Handshake.Stream;
        int plain = 0;
        fixed (byte* records = scratch.Input)
        {
            stream.Offer(records, length);
            while (stream.UnreadBytes > 0 && !_hasEnded && !_hasFailed)
            {
                try
                {
                    var reading = _ssl!.ReadAsync(destination[plain..]);
                    int read = reading.IsCompleted
                        ? reading.GetAwaiter().GetResult()
                        : throw new InvalidOperationException("Reading a whole record did not end at once.");
                    plain += read;
                    _hasEnded = read == 0;
                }
                catch (Exception error) when (error is IOException or InvalidOperationException)
                {
                    _hasFailed = !stream.RanDry;
                }
            }

            stream.Offer(null, 0);
        }

        return plain;
    }

    private int DecryptToKeep(TlsScratch scratch, int length, Span<byte> destination)
    {
        int plain = Decrypt(scratch, length, scratch.Plain);
        int taken = Math.Min(plain, destination.Length);
        scratch.Plain.AsSpan(0, taken).CopyTo(destination);
        _plain = Keep(scratch.Plain.AsSpan(taken, plain - taken));
        return taken;
    }

    private int TakePlain(Span<byte> destination)
    {
        int taken = Math.Min(_plain.Length, destination.Length);
        _plain.Span[..taken].CopyTo(destination);
        _plain = _plain with { Offset = _plain.Offset + taken, Length = _plain.Length - taken };
        if (_plain.Length == 0)
        {
            _plain.Block.Release();
            _plain = default;
        }

        return taken;
    }

    private int TakeHeld(Span<byte> destination)
    {
        int length = _held.Length;
        if (length > 0)
        {
            _held.Span.CopyTo(destination);
            _held.Block.Release();
            _held = default;
        }

        return length;
    }

    private void Hold(ReadOnlySpan<byte> rest) => _held = Keep(rest);

    private Segment Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return default;
        }

        var segment = new Segment(pool.Rent(BlockSizes.For(bytes.Length)), 0, bytes.Length);
        bytes.CopyTo(segment.Span);
        return segment;
    }
}
