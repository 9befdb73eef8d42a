using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Reads bytes and the segments behind them, a TLS record's worth at a time.</summary>
internal ref struct PlainReader(ReadOnlySpan<byte> head, ReadOnlySpan<Segment> segments)
{
    private ReadOnlySpan<byte> _head = head;
    private readonly ReadOnlySpan<Segment> _segments = segments;
    private int _index;
    private int _offset;

    public readonly bool IsAtEnd => _head.IsEmpty && _index == _segments.Length;

    public long Skip(long bytes)
    {
        long skipped = Math.Min(bytes, _head.Length);
        _head = _head[(int)skipped..];
        while (skipped < bytes && !IsAtEnd)
        {
            int here = (int)Math.Min(_segments[_index].Length - _offset, bytes - skipped);
            skipped += here;
            Advance(here);
        }

        return skipped;
    }

    /// <summary>What one record takes: where it is, if it lies in one piece, else copied together.</summary>
    public unsafe ReadOnlyMemory<byte> Next(TlsScratch scratch)
    {
        if (_head.IsEmpty && _segments[_index].Length - _offset is var here && (here >= TlsRecord.MaxPlainBytes || _index == _segments.Length - 1))
        {
            ref readonly var only = ref _segments[_index];
            int length = Math.Min(here, TlsRecord.MaxPlainBytes);
            var memory = scratch.Window.Over(only.Block.Address(only.Offset + _offset), length);
            Advance(length);
            return memory;
        }

        int filled = Math.Min(_head.Length, TlsRecord.MaxPlainBytes);
        _head[..filled].CopyTo(scratch.Plain);
        _head = _head[filled..];
        while (filled < TlsRecord.MaxPlainBytes && !IsAtEnd)
        {
            ref readonly var segment = ref _segments[_index];
            int length = Math.Min(segment.Length - _offset, TlsRecord.MaxPlainBytes - filled);
            segment.Block.Span(segment.Offset + _offset, length).CopyTo(scratch.Plain.AsSpan(filled));
            filled += length;
            Advance(length);
        }

        return scratch.Plain.AsMemory(0, filled);
    }

    private void Advance(int bytes)
    {
        _offset += bytes;
        while (_index < _segments.Length && _offset == _segments[_index].Length)
        {
            _index++;
            _offset = 0;
        }
    }
}
