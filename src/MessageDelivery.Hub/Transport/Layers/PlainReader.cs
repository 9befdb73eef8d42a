using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Reads what is to be sent, a TLS record's worth at a time.</summary>
internal unsafe ref struct PlainReader(ReadOnlySpan<Libc.IoVector> vectors)
{
    private readonly ReadOnlySpan<Libc.IoVector> _vectors = vectors;
    private int _index;
    private int _offset;

    public readonly bool IsAtEnd => _index == _vectors.Length;

    public long Skip(long bytes)
    {
        long skipped = 0;
        while (skipped < bytes && !IsAtEnd)
        {
            int here = (int)Math.Min(_vectors[_index].Length - _offset, bytes - skipped);
            skipped += here;
            Advance(here);
        }

        return skipped;
    }

    /// <summary>What one record takes: where it is, if it lies in one piece, else copied together.</summary>
    public ReadOnlyMemory<byte> Next(TlsScratch scratch)
    {
        ref readonly var first = ref _vectors[_index];
        int here = (int)first.Length - _offset;
        if (here >= TlsRecord.MaxPlainBytes || _index == _vectors.Length - 1)
        {
            int length = Math.Min(here, TlsRecord.MaxPlainBytes);
            var memory = scratch.Window.Over((byte*)first.Address + _offset, length);
            Advance(length);
            return memory;
        }

        int filled = 0;
        while (filled < TlsRecord.MaxPlainBytes && !IsAtEnd)
        {
            ref readonly var vector = ref _vectors[_index];
            int length = Math.Min((int)vector.Length - _offset, TlsRecord.MaxPlainBytes - filled);
            new ReadOnlySpan<byte>((byte*)vector.Address + _offset, length).CopyTo(scratch.Plain.AsSpan(filled));
            filled += length;
            Advance(length);
        }

        return scratch.Plain.AsMemory(0, filled);
    }

    private void Advance(int bytes)
    {
        _offset += bytes;
        while (_index < _vectors.Length && _offset == _vectors[_index].Length)
        {
            _index++;
            _offset = 0;
        }
    }
}
