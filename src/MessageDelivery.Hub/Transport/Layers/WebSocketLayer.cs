using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// WebSocket (RFC 6455) after its handshake, the server's end: the payloads of the binary messages are the bytes that it brings, and what is sent
/// is one message for each send, of at most 65,535 bytes. While nothing is under way it holds no buffer.
/// </summary>
/// <remarks>
/// A message that has begun is gone on with as it began: the bytes that were not taken are offered again, and their header is not sent a second
/// time. The layer's own words, pongs and the close, go between two messages, on the thread that sends.
/// </remarks>
internal sealed class WebSocketLayer : UpperLayer
{
    private const int MaxEmptyReads = 4;
    private const int MaxMessageBytes = ushort.MaxValue;
    private const int MaxReasonBytes = WebSocketReader.MaxControlBytes - 2;
    private const byte MessageFrame = 0x82;
    private const byte CloseFrame = 0x88;
    private const byte PongFrame = 0x8a;
    private const int LongLength = 126;

    private WebSocketReader _reader;
    private byte[]? _saying;
    private byte[]? _pong;
    private string? _endText;
    private int _said;
    private int _messageLeft;
    private uint _header;
    private byte _headerLeft;
    private byte _headerBytes;
    private ushort _endCode;
    private bool _isFinishing;

    /// <param name="first">What comes before the first message: the answer to the handshake.</param>
    public WebSocketLayer(ByteLayer lower, byte[] first)
        : base(lower) => _saying = first;

    /// <inheritdoc/>
    public override string? UserProtocol => "websocket";

    /// <inheritdoc/>
    public override int MinHeartbeatSeconds => 60;

    /// <inheritdoc/>
    public override bool HasFailed => _reader.Failure != 0;

    /// <inheritdoc/>
    public override bool HasToSay => Volatile.Read(ref _saying) is not null || Volatile.Read(ref _pong) is not null;

    /// <summary>Whether it has ended, and receiving tells so.</summary>
    public bool IsOver => _reader.IsOver;

    /// <inheritdoc/>
    public override int TakeIdleFrames()
    {
        int taken = _reader.IdleFrames;
        _reader.IdleFrames = 0;
        return taken;
    }

    /// <inheritdoc/>
    public override void NoteEnding(int code, string text) => (_endCode, _endText) = ((ushort)(code == 0 ? 1000 : 4000 + code), text);

    /// <summary>Reads frames where they lie; returns how many bytes of payload stand at the beginning then.</summary>
    public int Unwrap(Span<byte> bytes)
    {
        int payload = _reader.Read(bytes);
        if (_reader.Ping is { } ping)
        {
            _reader.Ping = null;
            Volatile.Write(ref _pong, ping);
        }

        return payload;
    }

    /// <inheritdoc/>
    public override long Receive(Span<byte> destination, LoopCounters counters, out bool more)
    {
        more = false;
        for (int reads = 0; reads < MaxEmptyReads; reads++)
        {
            if (_reader.IsOver)
            {
                more = false;
                return 0;
            }

            long received = Lower.Receive(destination, counters, out more);
            if (received <= 0)
            {
                return received;
            }

            int payload = Unwrap(destination[..(int)received]);
            if (payload > 0)
            {
                more |= _reader.IsOver;
                return payload;
            }

            if (!more && !_reader.IsOver)
            {
                return WouldBlock;
            }
        }

        more = true;
        return WouldBlock;
    }

    /// <inheritdoc/>
    public override long Send(ReadOnlySpan<byte> head, ReadOnlySpan<Segment> segments, LoopCounters counters)
    {
        Debug.Assert(head.IsEmpty, "nothing stands on a WebSocket");
        long total = Segment.TotalBytes(segments);
        long taken = 0;
        while (true)
        {
            if (_messageLeft == 0)
            {
                var status = Say(counters);
                if (status != SendStatus.Sent || taken == total)
                {
                    return status == SendStatus.Broken ? Broken : taken;
                }

                BeginMessage((int)Math.Min(total - taken, MaxMessageBytes));
            }

            long offered = Math.Min(total - taken, _messageLeft);
            long sent = taken == 0 && offered == total ? SendPart(segments, counters) : SendPart(segments, taken, ref offered, counters);
            if (sent < 0)
            {
                return Broken;
            }

            taken += sent;
            if (sent < offered || offered == 0)
            {
                return taken;
            }
        }
    }

    /// <inheritdoc/>
    public override long Send(ReadOnlySpan<byte> bytes, LoopCounters counters) => throw new NotSupportedException("A WebSocket is sent on from blocks.");

    /// <inheritdoc/>
    public override bool TryFinish(LoopCounters counters)
    {
        if (!_isFinishing)
        {
            _isFinishing = true;
            _pong = null;
            byte[] close = _messageLeft > 0 ? [] : EncodeClose();
            _saying = _saying is null ? close : [.. _saying.AsSpan(_said), .. close];
            _said = 0;
        }

        return Say(counters) != SendStatus.Blocked && base.TryFinish(counters);
    }

    private void BeginMessage(int bytes)
    {
        bool isShort = bytes < LongLength;
        _messageLeft = bytes;
        _headerBytes = _headerLeft = (byte)(isShort ? 2 : 4);
        // As it is in memory: the length has its higher byte first.
        _header = isShort ? MessageFrame | ((uint)bytes << 8) : MessageFrame | (LongLength << 8) | ((uint)BinaryPrimitives.ReverseEndianness((ushort)bytes) << 16);
    }

    /// <summary>Sends from the message under way; returns how much of its payload was taken.</summary>
    /// <param name="payload">No more than is left of it.</param>
    private unsafe long SendPart(ReadOnlySpan<Segment> payload, LoopCounters counters)
    {
        uint header = _header;
        var head = new ReadOnlySpan<byte>((byte*)&header + (_headerBytes - _headerLeft), _headerLeft);
        long sent = Lower.Send(head, payload, counters);
        if (sent < 0)
        {
            return sent;
        }

        int ofHeader = (int)Math.Min(sent, _headerLeft);
        _headerLeft -= (byte)ofHeader;
        _messageLeft -= (int)(sent - ofHeader);
        return sent - ofHeader;
    }

    /// <summary>The same from a part of what is to be sent.</summary>
    /// <param name="offered">The most to offer; what was offered.</param>
    private long SendPart(ReadOnlySpan<Segment> segments, long skip, ref long offered, LoopCounters counters)
    {
        Segments part = default;
        long left = offered;
        int count = 0;
        for (int i = 0; i < segments.Length && left > 0 && count < Segments.Count; i++)
        {
            var segment = segments[i];
            int skipped = (int)Math.Min(skip, segment.Length);
            int length = (int)Math.Min(segment.Length - skipped, left);
            skip -= skipped;
            if (length > 0)
            {
                part[count++] = new(segment.Block, segment.Offset + skipped, length);
                left -= length;
            }
        }

        offered -= left;
        return SendPart(part[..count], counters);
    }

    /// <summary>Sends what the layer itself has to say. Between two messages.</summary>
    private SendStatus Say(LoopCounters counters)
    {
        while (true)
        {
            if (_saying is null)
            {
                if (_pong is null || Interlocked.Exchange(ref _pong, null) is not { } payload)
                {
                    return SendStatus.Sent;
                }

                _saying = [PongFrame, (byte)payload.Length, .. payload];
                _said = 0;
            }

            long sent = _said == _saying.Length ? 0 : Lower.Send(_saying.AsSpan(_said), counters);
            if (sent < 0)
            {
                return SendStatus.Broken;
            }

            _said += (int)sent;
            if (_said < _saying.Length)
            {
                return SendStatus.Blocked;
            }

            _saying = null;
        }
    }

    /// <summary>What the peer did wrong, why the hub ends, or the peer's own close; nothing where the peer just went.</summary>
    private byte[] EncodeClose()
    {
        Span<byte> payload = stackalloc byte[WebSocketReader.MaxControlBytes];
        int length = 0;
        if (_reader.Failure != 0 || _endCode != 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload, _reader.Failure != 0 ? _reader.Failure : _endCode);
            // As many characters as there is room for.
            Utf8.FromUtf16(_reader.Failure != 0 ? "" : _endText, payload.Slice(2, MaxReasonBytes), out _, out int written);
            length = 2 + written;
        }
        else if (_reader.Close is { } close)
        {
            close.CopyTo(payload);
            length = close.Length;
        }
        else
        {
            return [];
        }

        return [CloseFrame, (byte)length, .. payload[..length]];
    }

    [InlineArray(Count)]
    private struct Segments
    {
        public const int Count = 64;

        private Segment _first;
    }
}
