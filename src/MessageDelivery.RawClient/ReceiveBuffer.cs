using MessageDelivery.Protocol;

namespace MessageDelivery.RawClient;

/// <summary>Received bytes, cut into frames or lines. It grows with what is not finished, up to <see cref="MaxBytes"/>.</summary>
/// <param name="bytes">Its size at the beginning.</param>
public sealed class ReceiveBuffer(int bytes)
{
    /// <summary>More than any frame of a hub has.</summary>
    public const int MaxBytes = 2 << 20;

    private byte[] _bytes = new byte[bytes];
    private int _start;
    private int _end;

    /// <summary>Bytes that were received and not taken.</summary>
    public int Count => _end - _start;

    /// <summary>These bytes; valid until more is received.</summary>
    public ReadOnlyMemory<byte> Unread => _bytes.AsMemory(_start, Count);

    /// <summary>Bytes that the next frame lacks, as far as can be told: its header's, or its payload's.</summary>
    public int MissingOfFrame => Count < ProtocolLimits.HeaderBytes
        ? ProtocolLimits.HeaderBytes - Count
        : ProtocolLimits.HeaderBytes + PayloadBytes() - Count;

    /// <summary>Where the next bytes go.</summary>
    /// <exception cref="InvalidDataException">Nothing of <see cref="MaxBytes"/> was taken.</exception>
    public Memory<byte> Room()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _bytes.Length || _start > _bytes.Length / 2)
        {
            byte[] room = Count < _bytes.Length ? _bytes
                : Count < MaxBytes ? new byte[Math.Min(MaxBytes, 2 * _bytes.Length)]
                : throw new InvalidDataException($"{MaxBytes} bytes came that are neither frame nor line");
            _bytes.AsSpan(_start, Count).CopyTo(room);
            (_bytes, _start, _end) = (room, 0, Count);
        }

        return _bytes.AsMemory(_end);
    }

    /// <summary>Says how many bytes were put into the room.</summary>
    public void Commit(int received) => _end += received;

    /// <summary>Takes so many bytes, which must be there.</summary>
    public ReadOnlyMemory<byte> Take(int count)
    {
        var taken = Unread[..count];
        _start += count;
        return taken;
    }

    /// <exception cref="InvalidDataException">What came is no frame of a hub.</exception>
    public bool TryTakeFrame(out Frame frame)
    {
        frame = default;
        if (Count < ProtocolLimits.HeaderBytes || Count < ProtocolLimits.HeaderBytes + PayloadBytes())
        {
            return false;
        }

        var header = FrameHeader.Read(Take(ProtocolLimits.HeaderBytes).Span);
        frame = new(header, Take((int)header.Length));
        return true;
    }

    /// <summary>Takes a line, without its LF; what precedes that is not looked at.</summary>
    public bool TryTakeLine(out ReadOnlyMemory<byte> line)
    {
        int length = Unread.Span.IndexOf((byte)'\n');
        line = length < 0 ? default : Take(length + 1)[..length];
        return length >= 0;
    }

    private int PayloadBytes() => FrameHeader.Read(Unread.Span) is { Length: <= ProtocolLimits.MaxRelayLength } header
        ? (int)header.Length
        : throw new InvalidDataException($"what came is no frame of a hub: 0x{Convert.ToHexString(Unread.Span[..ProtocolLimits.HeaderBytes])}");
}
