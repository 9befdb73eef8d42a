using System.Buffers.Binary;
using System.Text;

namespace MessageDelivery.Load.WebSockets;

/// <summary>
/// Takes the frames of a WebSocket server off what comes, however it is cut: what its messages carry remains, one behind the other.
/// Pings and pongs are passed over.
/// </summary>
internal sealed class ServerFrames
{
    private const int MinHeaderBytes = 2;
    private const int MaxHeaderBytes = 10;
    private const int MaxControlBytes = 125;
    private const byte Masked = 0x80;
    private const byte Reserved = 0x70;
    private const byte Control = 0x8;

    private readonly byte[] _header = new byte[MaxHeaderBytes];
    private readonly byte[] _close = new byte[MaxControlBytes];
    private int _headerBytes;
    private long _rest; // of the payload of the frame whose header has come
    private int _closeBytes;

    /// <summary>Code and text of the server's close; null while there was none.</summary>
    public string? Closing { get; private set; }

    // A masked frame is refused once its header is there, so the top bit need not be looked at.
    private int WholeHeaderBytes => (_header[1] & ~Masked) switch { 126 => 4, 127 => MaxHeaderBytes, _ => MinHeaderBytes };

    private bool IsControl => (_header[0] & Control) != 0;

    /// <summary>Moves what the messages carry together at the front; how many bytes that is.</summary>
    /// <exception cref="InvalidDataException">This is no frame of a server.</exception>
    public int Unframe(Span<byte> received)
    {
        int from = 0;
        int to = 0;
        while (from < received.Length)
        {
            if (_rest == 0)
            {
                from += TakeHeader(received[from..]);
                continue;
            }

            int piece = (int)Math.Min(_rest, received.Length - from);
            var payload = received.Slice(from, piece);
            from += piece;
            _rest -= piece;
            if (IsControl)
            {
                TakeControl(payload);
            }
            else
            {
                payload.CopyTo(received[to..]);
                to += piece;
            }
        }

        return to;
    }

    /// <summary>Takes a header, or a part of one; how many bytes.</summary>
    private int TakeHeader(ReadOnlySpan<byte> received)
    {
        int taken = 0;
        while (taken < received.Length)
        {
            _header[_headerBytes++] = received[taken++];
            if (_headerBytes >= MinHeaderBytes && _headerBytes == WholeHeaderBytes)
            {
                BeginPayload();
                break;
            }
        }

        return taken;
    }

    private void BeginPayload()
    {
        _rest = WholeHeaderBytes switch
        {
            MinHeaderBytes => _header[1],
            MaxHeaderBytes => BinaryPrimitives.ReadInt64BigEndian(_header.AsSpan(MinHeaderBytes)),
            _ => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(MinHeaderBytes)),
        };
        _headerBytes = 0;
        if ((_header[0] & Reserved) != 0 || (_header[1] & Masked) != 0 || _rest < 0 || (IsControl && _rest > MaxControlBytes))
        {
            throw new InvalidDataException($"what came is no WebSocket frame of a server: 0x{_header[0]:X2}{_header[1]:X2}");
        }

        if (_rest == 0 && IsControl)
        {
            TakeControl([]);
        }
    }

    /// <summary>Keeps what a close says, once all of it has come.</summary>
    private void TakeControl(ReadOnlySpan<byte> payload)
    {
        if ((_header[0] & 0xF) != ClientFrame.Close)
        {
            return;
        }

        payload.CopyTo(_close.AsSpan(_closeBytes));
        _closeBytes += payload.Length;
        if (_rest == 0)
        {
            Closing = _closeBytes < 2
                ? "no code"
                : $"{BinaryPrimitives.ReadUInt16BigEndian(_close)} {Encoding.UTF8.GetString(_close.AsSpan(2, _closeBytes - 2))}".TrimEnd();
            _closeBytes = 0;
        }
    }
}
