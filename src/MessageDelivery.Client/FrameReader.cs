using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>What <see cref="FrameReader.TryRead"/> found.</summary>
internal enum ReadStatus
{
    /// <summary>A complete frame.</summary>
    Frame,
    /// <summary>The frame is not complete.</summary>
    NeedMoreData,
    /// <summary>A frame above the limit of its type.</summary>
    TooLarge,
}

/// <summary>A frame in its receive block; valid until the next <see cref="FrameReader.GetSpace"/>.</summary>
internal readonly record struct Frame(FrameHeader Header, ReceiveBlock Block, int PayloadOffset)
{
    public int PayloadBytes => (int)Header.Length;

    public ReadOnlySpan<byte> Payload => Block.Array.AsSpan(PayloadOffset, PayloadBytes);
}

/// <summary>Splits received bytes into frames, each contiguous in pooled memory. Not thread-safe.</summary>
internal sealed class FrameReader
{
    // Less room than this at the end of a block is not worth a system call.
    private const int MinReadBytes = 4 * 1024;

    private ReceiveBlock _block = ReceiveBlock.Rent(0);
    private int _start;
    private int _end;
    private int _needed = ProtocolLimits.HeaderBytes;

    /// <summary>Whether a frame is partly received.</summary>
    public bool HasPartialFrame => _end > _start;

    /// <summary>The buffer for the next read, never empty; followed by <see cref="Advance"/>.</summary>
    public Memory<byte> GetSpace()
    {
        int unread = _end - _start;
        bool tight = _start + _needed > _block.Capacity || (_start > 0 && _block.Capacity - _end < MinReadBytes);
        if (tight || (unread == 0 && _block.IsUnshared))
        {
            Span<byte> bytes = _block.Array.AsSpan(_start, unread);
            if (_needed <= ReceiveBlock.StandardBytes && _block.Capacity == ReceiveBlock.StandardBytes && _block.IsUnshared)
            {
                bytes.CopyTo(_block.Array);
            }
            else
            {
                ReceiveBlock next = ReceiveBlock.Rent(_needed);
                bytes.CopyTo(next.Array);
                _block.Release();
                _block = next;
            }

            _start = 0;
            _end = unread;
        }

        return _block.Array.AsMemory(_end, _block.Capacity - _end);
    }

    public void Advance(int bytes) => _end += bytes;

    public ReadStatus TryRead(out Frame frame)
    {
        frame = default;
        if (_end - _start < ProtocolLimits.HeaderBytes)
        {
            _needed = ProtocolLimits.HeaderBytes;
            return ReadStatus.NeedMoreData;
        }

        var header = FrameHeader.Read(_block.Array.AsSpan(_start));
        frame = new(header, _block, _start + ProtocolLimits.HeaderBytes);
        if (header.Length > FrameHeader.MaxLengthFromHub(header.Type))
        {
            return ReadStatus.TooLarge;
        }

        int total = ProtocolLimits.HeaderBytes + (int)header.Length;
        if (_end - _start < total)
        {
            _needed = total;
            return ReadStatus.NeedMoreData;
        }

        _start += total;
        return ReadStatus.Frame;
    }

    /// <summary>Releases the reader's share of its block; deliveries keep theirs.</summary>
    public void Release() => _block.Release();
}
