using MessageDelivery.Protocol;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>A frame as it came; its payload is valid until more is received.</summary>
internal readonly record struct Frame(FrameHeader Header, ReadOnlyMemory<byte> Payload);

/// <summary>Received bytes, cut into frames. Must be larger than any frame that comes.</summary>
internal sealed class FrameBuffer(int bytes)
{
    private readonly byte[] _bytes = new byte[bytes];
    private int _start;
    private int _end;

    /// <summary>Where the next bytes go.</summary>
    public Memory<byte> Room()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _bytes.Length || _start > _bytes.Length / 2)
        {
            _bytes.AsSpan(_start, _end - _start).CopyTo(_bytes);
            _end -= _start;
            _start = 0;
        }

        return _bytes.AsMemory(_end);
    }

    public void Commit(int received) => _end += received;

    public bool TryTake(out Frame frame)
    {
        frame = default;
        int available = _end - _start;
        if (available < ProtocolLimits.HeaderBytes)
        {
            return false;
        }

        var header = FrameHeader.Read(_bytes.AsSpan(_start));
        long total = ProtocolLimits.HeaderBytes + (long)header.Length;
        if (total > _bytes.Length)
        {
            throw new InvalidDataException($"a {header.Type} of {header.Length} bytes came, and the buffer has {_bytes.Length}");
        }

        if (total > available)
        {
            return false;
        }

        frame = new(header, _bytes.AsMemory(_start + ProtocolLimits.HeaderBytes, (int)header.Length));
        _start += (int)total;
        return true;
    }
}
