using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// WebSocket (RFC 6455) after its handshake, the server's end: the payloads of the binary messages are the bytes that it brings, and what is sent
/// is one message for each send, or several of at most 65,472 bytes. While nothing is under way it holds no buffer.
/// </summary>
/// <remarks>
/// What is offered once is cut into messages then, and gone on with so: the bytes that were not taken are offered again, and their headers must
/// be the same, since the layer below may have taken note of them. The layer's own words, pongs and the close, go between two messages, on the
/// thread that sends.
/// </remarks>
internal sealed unsafe class WebSocketLayer : UpperLayer
{
    private const int MaxEmptyReads = 4;

    // The kernel copies a third slower from and to places that do not agree in their last bits: headers have 4 bytes, so that of messages as
    // long as this the payloads keep that. Several leave in one call, which is as much worth. See docs/adr/0026.
    private const int MaxMessageBytes = ushort.MaxValue & ~63;
    private const int MaxMessagesPerSend = 16;
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
    private long _planned;
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
    public override long Send(ReadOnlySpan<Libc.IoVector> payload, LoopCounters counters)
    {
        long total = 0;
        foreach (ref readonly var vector in payload)
        {
            total += vector.Length;
        }

        long taken = 0;
        while (true)
        {
            if (_messageLeft == 0 && _planned == 0)
            {
                var status = HasToSay ? Say(counters) : SendStatus.Sent;
                if (status != SendStatus.Sent || taken == total)
                {
                    return status == SendStatus.Broken ? BrokenAfter(taken) : taken;
                }

                _planned = total - taken;
            }

            long sent = SendMessages(payload, taken, counters, out bool isBlocked);
            taken += Math.Max(sent, 0);
            if (sent < 0 || isBlocked)
            {
                return sent < 0 ? BrokenAfter(taken) : taken;
            }
        }
    }

    /// <inheritdoc/>
    public override bool TryFinish(LoopCounters counters)
    {
        if (!_isFinishing)
        {
            _isFinishing = true;
            _pong = null;
            byte[] close = _messageLeft > 0 || _planned > 0 ? [] : EncodeClose();
            _saying = _saying is null ? close : [.. _saying.AsSpan(_said), .. close];
            _said = 0;
        }

        return Say(counters) != SendStatus.Blocked && base.TryFinish(counters);
    }

    /// <summary>Sends messages, each header in front of its payload, in one call; returns how much of the payload was taken.</summary>
    /// <param name="skip">Payload that was taken before.</param>
    /// <param name="isBlocked">Whether that was not all of it.</param>
    [SkipLocalsInit]
    private long SendMessages(ReadOnlySpan<Libc.IoVector> payload, long skip, LoopCounters counters, out bool isBlocked)
    {
        var vectors = stackalloc Libc.IoVector[payload.Length + (2 * MaxMessagesPerSend)];
        uint* headers = stackalloc uint[MaxMessagesPerSend];
        var rest = new PayloadCursor(payload, skip);
        long planned = _planned;
        long offered = 0;
        int count = 0;
        for (int messages = 0; messages < MaxMessagesPerSend && !rest.IsAtEnd; messages++)
        {
            int left = _messageLeft;
            int headerBytes = _headerBytes;
            int headerLeft = _headerLeft;
            headers[messages] = _header;
            if (messages > 0 || left == 0)
            {
                left = (int)Math.Min(planned, MaxMessageBytes);
                planned -= left;
                headers[messages] = Header(left, out headerBytes);
                headerLeft = headerBytes;
            }

            if (headerLeft > 0)
            {
                vectors[count++] = new() { Address = (byte*)(headers + messages) + headerBytes - headerLeft, Length = headerLeft };
            }

            offered += headerLeft + rest.Take(left, vectors, ref count);
            if (planned == 0)
            {
                break;
            }
        }

        long sent = count == 0 ? 0 : Lower.Send(new ReadOnlySpan<Libc.IoVector>(vectors, count), counters);
        isBlocked = sent < offered || count == 0;
        return sent < 0 ? sent : Note(sent);
    }

    /// <summary>So many bytes of the messages were taken; returns how many of them are payload.</summary>
    private long Note(long sent)
    {
        long payload = 0;
        while (sent > 0)
        {
            if (_messageLeft == 0)
            {
                _messageLeft = (int)Math.Min(_planned, MaxMessageBytes);
                _planned -= _messageLeft;
                _header = Header(_messageLeft, out int headerBytes);
                _headerBytes = _headerLeft = (byte)headerBytes;
            }

            int ofHeader = (int)Math.Min(sent, _headerLeft);
            int ofPayload = (int)Math.Min(sent - ofHeader, _messageLeft);
            _headerLeft -= (byte)ofHeader;
            _messageLeft -= ofPayload;
            payload += ofPayload;
            sent -= ofHeader + ofPayload;
        }

        return payload;
    }

    /// <summary>A message's header as it is in memory: the length has its higher byte first.</summary>
    private static uint Header(int bytes, out int headerBytes)
    {
        bool isShort = bytes < LongLength;
        headerBytes = isShort ? 2 : 4;
        return isShort
            ? MessageFrame | ((uint)bytes << 8)
            : MessageFrame | (LongLength << 8) | ((uint)BinaryPrimitives.ReverseEndianness((ushort)bytes) << 16);
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

    /// <summary>Where in the payload the next message begins.</summary>
    private ref struct PayloadCursor
    {
        private readonly ReadOnlySpan<Libc.IoVector> _vectors;
        private int _index;
        private nint _offset;

        public PayloadCursor(ReadOnlySpan<Libc.IoVector> vectors, long skip)
        {
            _vectors = vectors;
            while (_index < vectors.Length && skip >= vectors[_index].Length)
            {
                skip -= vectors[_index++].Length;
            }

            _offset = (nint)skip;
        }

        public readonly bool IsAtEnd => _index == _vectors.Length;

        /// <summary>Adds vectors for so many bytes, or for all there are; returns how many bytes.</summary>
        public long Take(int bytes, Libc.IoVector* vectors, ref int count)
        {
            nint left = bytes;
            while (left > 0 && !IsAtEnd)
            {
                ref readonly var vector = ref _vectors[_index];
                nint here = Math.Min(left, vector.Length - _offset);
                vectors[count++] = new() { Address = (byte*)vector.Address + _offset, Length = here };
                left -= here;
                _offset += here;
                if (_offset == vector.Length)
                {
                    _index++;
                    _offset = 0;
                }
            }

            return bytes - left;
        }
    }
}
