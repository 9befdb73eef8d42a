using System.Buffers.Binary;
using System.Text;

namespace MessageDelivery.RawClient;

/// <summary>A client's end of a WebSocket (RFC 6455), byte by byte: writes masked frames, and takes the hub's apart.</summary>
public sealed class WebSocketFrames
{
    /// <summary>A request that every hub accepts on its own address.</summary>
    public static string Request(string host) =>
        $"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    private readonly byte[] _header = new byte[4 + sizeof(ulong)];
    private readonly List<byte> _control = [];
    private int _headerBytes;
    private long _left;
    private int _opcode;

    /// <summary>Messages that have begun.</summary>
    public int Messages { get; private set; }

    /// <summary>Bytes of the longest.</summary>
    public long LongestMessage { get; private set; }

    /// <summary>The payload of each pong that has come.</summary>
    public List<byte[]> Pongs { get; } = [];

    /// <summary>The code of the hub's close; null until that has come, and 0 if it has none.</summary>
    public int? CloseCode { get; private set; }

    /// <summary>Its words.</summary>
    public string CloseReason { get; private set; } = "";

    /// <summary>One frame, as a client sends it.</summary>
    /// <param name="first">Its first byte: 0x82 is a whole binary message.</param>
    public static byte[] Frame(ReadOnlySpan<byte> payload, byte first = 0x82, uint key = 0x37fa213d)
    {
        byte[] frame = new byte[14 + payload.Length];
        frame[0] = first;
        int used = 2;
        switch (payload.Length)
        {
            case < 126:
                frame[1] = (byte)(0x80 | payload.Length);
                break;
            case <= ushort.MaxValue:
                frame[1] = 0x80 | 126;
                BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)payload.Length);
                used += sizeof(ushort);
                break;
            default:
                frame[1] = 0x80 | 127;
                BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(2), (ulong)payload.Length);
                used += sizeof(ulong);
                break;
        }

        Span<byte> keys = frame.AsSpan(used, sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(keys, key);
        used += sizeof(uint);
        for (int i = 0; i < payload.Length; i++)
        {
            frame[used + i] = (byte)(payload[i] ^ keys[i % 4]);
        }

        return frame[..(used + payload.Length)];
    }

    /// <summary>Takes what has come; returns how many bytes of payload it put into the buffer.</summary>
    /// <exception cref="InvalidDataException">No server may send this.</exception>
    public int Take(ReadOnlySpan<byte> bytes, ReceiveBuffer into)
    {
        int payload = 0;
        while (!bytes.IsEmpty)
        {
            if (_left == 0)
            {
                bytes = TakeHeader(bytes);
                continue;
            }

            var room = _opcode < 8 ? into.Room() : default;
            int here = (int)Math.Min(_left, _opcode < 8 ? Math.Min(bytes.Length, room.Length) : bytes.Length);
            if (_opcode < 8)
            {
                bytes[..here].CopyTo(room.Span);
                into.Commit(here);
                payload += here;
            }
            else
            {
                _control.AddRange(bytes[..here]);
            }

            bytes = bytes[here..];
            _left -= here;
            EndIfDone();
        }

        return payload;
    }

    private ReadOnlySpan<byte> TakeHeader(ReadOnlySpan<byte> bytes)
    {
        _header[_headerBytes++] = bytes[0];
        if (_headerBytes < 2)
        {
            return bytes[1..];
        }

        int length = _header[1] & 0x7f;
        if (_headerBytes < 2 + (length == 126 ? 2 : length == 127 ? 8 : 0))
        {
            return bytes[1..];
        }

        if (_header[1] > 0x7f || _header[0] is not (0x82 or 0x88 or 0x8a) || CloseCode is not null)
        {
            throw new InvalidDataException($"a hub sends no such frame here: 0x{_header[0]:x2} 0x{_header[1]:x2}");
        }

        _headerBytes = 0;
        _opcode = _header[0] & 0x0f;
        _left = length switch
        {
            126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
            127 => BinaryPrimitives.ReadInt64BigEndian(_header.AsSpan(2)),
            _ => length,
        };
        if (_opcode < 8)
        {
            Messages++;
            LongestMessage = Math.Max(LongestMessage, _left);
        }

        EndIfDone();
        return bytes[1..];
    }

    private void EndIfDone()
    {
        if (_left > 0 || _opcode < 8)
        {
            return;
        }

        byte[] control = [.. _control];
        _control.Clear();
        if (_opcode == 0x0a)
        {
            Pongs.Add(control);
            return;
        }

        CloseCode = control.Length < 2 ? 0 : BinaryPrimitives.ReadUInt16BigEndian(control);
        CloseReason = control.Length < 2 ? "" : new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(control, 2, control.Length - 2);
    }
}
