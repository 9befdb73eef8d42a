using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Reads segments, a TLS record's worth at a time.</summary>
internal ref struct PlainReader(ReadOnlySpan<Segment> segments)
{
    private readonly ReadOnlySpan<Segment> _segments = segments;
    private int _index;
    private int _offset;

    public readonly bool IsAtEnd => _index == _segments.Length;

    public long Skip(long bytes)
    {
        long skipped = 0;
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
        ref readonly var first = ref _segments[_index];
        int here = first.Length - _offset;
        if (here >= TlsRecord.MaxPlainBytes || _index == _segments.Length - 1)
        {
            int length = Math.Min(here, TlsRecord.MaxPlainBytes);
            var memory = scratch.Window.Over(first.Block.Address(first.Offset + _offset), length);
            Advance(length);
            return memory;
        }

        int filled = 0;
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
