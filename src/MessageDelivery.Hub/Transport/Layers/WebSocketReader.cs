using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text.Unicode;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// Reads a client's frames (RFC 6455, section 5) where they lie: payloads are unmasked and moved together, so that they touch. It takes any cut,
/// and keeps the part of a header that has come, and of a ping or close its payload. A mutable struct, so that a layer is one object.
/// </summary>
internal unsafe struct WebSocketReader
{
    public const int ProtocolError = 1002;

    public const int UnsupportedData = 1003;

    /// <summary>The most bytes that a ping, pong or close carries.</summary>
    public const int MaxControlBytes = 125;

    private const int MaxHeaderBytes = 14;
    private const int Continuation = 0;
    private const int Text = 1;
    private const int Binary = 2;
    private const int CloseFrame = 8;
    private const int PingFrame = 9;
    private const int PongFrame = 10;
    private const byte FinalBinary = 0x82;
    private const byte Masked = 0x80;

    private long _left;
    private byte[]? _control;
    private uint _key;
    private fixed byte _header[MaxHeaderBytes];
    private byte _headerBytes;
    private byte _opcode;
    private bool _isWithinMessage;

    /// <summary>Frames that brought nothing: pings, pongs and empty ones, since this was last set to 0.</summary>
    public int IdleFrames { get; set; }

    /// <summary>The payload of the newest ping since this was last set to null.</summary>
    public byte[]? Ping { get; set; }

    /// <summary>The payload of the peer's close; null until it has come.</summary>
    public byte[]? Close { get; private set; }

    /// <summary>What the peer did wrong, as a close code; 0 is nothing.</summary>
    public ushort Failure { get; private set; }

    /// <summary>Whether nothing more is read.</summary>
    public readonly bool IsOver => Failure != 0 || Close is not null;

    /// <summary>Reads what has come; returns how many bytes of payload stand at its beginning then.</summary>
    public int Read(Span<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            byte* read = start;
            byte* write = start;
            byte* end = start + bytes.Length;
            while (read < end && !IsOver)
            {
                if (_left == 0)
                {
                    read += ReadHeader(read, end - read);
                    continue;
                }

                int here = (int)Math.Min(_left, end - read);
                _left -= here;
                if (_control is null)
                {
                    _key = Unmask(read, write, here, _key);
                    write += here;
                }
                else
                {
                    TakeControl(read, here);
                }

                read += here;
            }

            return (int)(write - start);
        }
    }

    /// <summary>Unmasks bytes, possibly to a place before them; returns the key for what follows.</summary>
    private static uint Unmask(byte* from, byte* to, int count, uint key)
    {
        int done = 0;
        var keys = Vector128.Create(key);
        for (; done <= count - Vector128<byte>.Count; done += Vector128<byte>.Count)
        {
            (Vector128.Load((uint*)(from + done)) ^ keys).Store((uint*)(to + done));
        }

        if (done <= count - sizeof(ulong))
        {
            *(ulong*)(to + done) = *(ulong*)(from + done) ^ (key | ((ulong)key << 32));
            done += sizeof(ulong);
        }

        if (done <= count - sizeof(uint))
        {
            *(uint*)(to + done) = *(uint*)(from + done) ^ key;
            done += sizeof(uint);
        }

        for (; done < count; done++)
        {
            to[done] = (byte)(from[done] ^ key);
            key = BitOperations.RotateRight(key, 8);
        }

        return key;
    }

    /// <summary>Reads a header, or what has come of it; returns how many bytes it took.</summary>
    private int ReadHeader(byte* bytes, long available)
    {
        if (_headerBytes == 0 && available >= 8 && bytes[0] == FinalBinary && bytes[1] >= Masked && !_isWithinMessage)
        {
            // A whole message of a few bytes, as most are.
            int length = bytes[1] & 0x7f;
            if (length is > 0 and < 126)
            {
                _left = length;
                _key = *(uint*)(bytes + 2);
                return 6;
            }

            if (length == 126 && BinaryPrimitives.ReverseEndianness(*(ushort*)(bytes + 2)) is >= 126 and var longer)
            {
                _left = longer;
                _key = *(uint*)(bytes + 4);
                return 8;
            }
        }

        return ReadAnyHeader(bytes, available);
    }

    private int ReadAnyHeader(byte* bytes, long available)
    {
        int taken = 0;
        while (taken < available && !IsOver)
        {
            _header[_headerBytes++] = bytes[taken++];
            if (_headerBytes < 2)
            {
                continue;
            }

            int length = _header[1] & 0x7f;
            if (_headerBytes == 2)
            {
                Check(_header[0], _header[1]);
            }
            else if (_headerBytes == 2 + LengthBytes(length) + sizeof(uint))
            {
                _headerBytes = 0;
                Begin(length);
                break;
            }
        }

        return taken;
    }

    private static int LengthBytes(int length) => length switch
    {
        126 => sizeof(ushort),
        127 => sizeof(ulong),
        _ => 0,
    };

    /// <summary>Refuses what may not be, as soon as it can be told.</summary>
    private void Check(byte first, byte second)
    {
        bool isFinal = (first & 0x80) != 0;
        bool isMasked = (second & Masked) != 0;
        int opcode = first & 0x0f;
        bool isKnown = opcode switch
        {
            Continuation => _isWithinMessage,
            Text or Binary => !_isWithinMessage,
            CloseFrame or PingFrame or PongFrame => isFinal && (second & 0x7f) <= MaxControlBytes,
            _ => false,
        };
        if ((first & 0x70) != 0 || !isKnown || !isMasked)
        {
            Failure = ProtocolError;
        }
        else if (opcode == Text)
        {
            Failure = UnsupportedData;
        }
    }

    /// <summary>A header has wholly come.</summary>
    private void Begin(int length)
    {
        fixed (byte* header = _header)
        {
            ulong bytes = length switch
            {
                126 => BinaryPrimitives.ReverseEndianness(*(ushort*)(header + 2)),
                127 => BinaryPrimitives.ReverseEndianness(*(ulong*)(header + 2)),
                _ => (ulong)length,
            };
            bool isMinimal = length switch
            {
                126 => bytes >= 126,
                127 => bytes > ushort.MaxValue,
                _ => true,
            };
            if (bytes > long.MaxValue || !isMinimal)
            {
                Failure = ProtocolError;
                return;
            }

            _left = (long)bytes;
            _key = *(uint*)(header + 2 + LengthBytes(length));
            _opcode = (byte)(header[0] & 0x0f);
            if (_opcode < CloseFrame)
            {
                _isWithinMessage = (header[0] & 0x80) == 0;
                IdleFrames += bytes == 0 ? 1 : 0;
                return;
            }
        }

        _control = length == 0 ? [] : new byte[length];
        if (length == 0)
        {
            EndControl();
        }
    }

    private void TakeControl(byte* bytes, int count)
    {
        fixed (byte* control = _control)
        {
            _key = Unmask(bytes, control + (_control!.Length - (int)_left - count), count, _key);
        }

        if (_left == 0)
        {
            EndControl();
        }
    }

    private void EndControl()
    {
        byte[] payload = _control!;
        _control = null;
        IdleFrames++;
        if (_opcode == PingFrame)
        {
            Ping = payload;
        }
        else if (_opcode == CloseFrame && IsClose(payload))
        {
            Close = payload;
        }
        else if (_opcode == CloseFrame)
        {
            Failure = ProtocolError;
        }
    }

    /// <summary>Nothing, or a code that may be sent (RFC 6455, section 7.4) and a reason in UTF-8.</summary>
    private static bool IsClose(ReadOnlySpan<byte> payload) => payload.IsEmpty
        || (payload.Length >= 2
            && BinaryPrimitives.ReadUInt16BigEndian(payload) is >= 1000 and <= 1003 or >= 1007 and <= 1014 or >= 3000 and <= 4999
            && Utf8.IsValid(payload[2..]));
}
