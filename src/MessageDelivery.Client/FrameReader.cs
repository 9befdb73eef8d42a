using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>What <see cref="FrameReader.TryRead"/> found.</summary>
internal enum ReadStatus
{
    /// <summary>A whole frame.</summary>
    Frame,
    /// <summary>The rest of the frame has not come yet.</summary>
    NeedMoreData,
    /// <summary>A frame longer than its type may be.</summary>
    TooLarge,
}

/// <summary>A frame in the block it arrived in; valid until the reader is asked for space again.</summary>
internal readonly record struct Frame(FrameHeader Header, ReceiveBlock Block, int PayloadOffset)
{
    public int PayloadBytes => (int)Header.Length;

    public ReadOnlySpan<byte> Payload => Block.Array.AsSpan(PayloadOffset, PayloadBytes);
}

/// <summary>Cuts received bytes into frames, each in one piece of pooled memory. Not thread-safe.</summary>
internal sealed class FrameReader
{
    // Less room than this at the end of a block is not worth a system call.
    private const int MinReadBytes = 4 * 1024;

    private ReceiveBlock _block = ReceiveBlock.Rent(0);
    private int _start;
    private int _end;
    private int _needed = ProtocolLimits.HeaderBytes;

    /// <summary>Whether part of a frame has come.</summary>
    public bool HasPartialFrame => _end > _start;

    /// <summary>Where the next bytes go. Follow it with <see cref="Advance"/>.</summary>
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

    /// <summary>Gives the memory up; deliveries in it keep theirs.</summary>
    public void Release() => _block.Release();
}
