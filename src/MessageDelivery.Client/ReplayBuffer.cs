using System.Buffers;
using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// Outbound frames in order, each kept as long as it may have to be replayed: a relay until the hub is known to have processed it, a request
/// until it is answered; in a session that cannot be resumed, until it is sent. The buffer is its own index: frames are found by their
/// headers. Not thread-safe.
/// </summary>
internal sealed class ReplayBuffer
{
    private readonly SendBuffer _buffer = new();
    private ulong _relaysReleased;
    private ulong _requestsReleased;
    private ulong _requestsAnswered;
    private ulong _sessionStart;
    private long _acknowledgement = -1;

    /// <summary>Whether frames are kept after they were sent.</summary>
    public bool Retains { get; set; }

    /// <summary>Relays written so far, over all sessions: the number of the last one.</summary>
    public ulong Relays { get; private set; }

    /// <summary>The number of the last relay that the hub is known to have processed, and with it all before.</summary>
    public ulong Processed { get; private set; }

    /// <summary>Bytes that are kept.</summary>
    public long Bytes => _buffer.Tail - _buffer.Head;

    /// <summary>Whether nothing waits to be sent.</summary>
    public bool IsSent => _buffer.Sent == _buffer.Tail;

    /// <summary>Writes a frame behind all others. A relay's correlation is its number.</summary>
    public void Append(in OutboundFrame frame)
    {
        ulong relays = Relays + (frame.Type == FrameType.Relay ? 1UL : 0);
        frame.WriteTo(_buffer, relays);
        Relays = relays;
    }

    /// <summary>Writes an ACK, or updates one that is not sent yet.</summary>
    public void WriteAcknowledgement(ulong total)
    {
        Span<byte> frame = stackalloc byte[ProtocolLimits.HeaderBytes + 8];
        new FrameHeader(FrameType.Ack, 0, 0, 8).Write(frame);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[ProtocolLimits.HeaderBytes..], total);
        if (_acknowledgement >= _buffer.Next)
        {
            _buffer.Write(_acknowledgement, frame);
        }
        else
        {
            _acknowledgement = _buffer.Tail;
            _buffer.Append(frame);
        }
    }

    public bool TryTake(out ArraySegment<byte> batch) => _buffer.TryTake(out batch);

    public void NoteSent(ArraySegment<byte> batch)
    {
        _buffer.NoteSent(batch);
        Release();
    }

    /// <summary>The oldest request has been answered.</summary>
    public void NoteAnswered() => _requestsAnswered++;

    /// <summary>The hub has processed the relay with this number, and so all before it.</summary>
    public void NoteProcessed(ulong relay)
    {
        Processed = Math.Max(Processed, relay);
        Release();
    }

    /// <summary>The number of the relay at a total of this session; null if there are not so many.</summary>
    public ulong? RelayAt(ulong total) => total <= Relays - _sessionStart ? _sessionStart + total : null;

    /// <summary>
    /// Replays the requests without an answer and the relays behind <paramref name="relay"/>, in the order in which they were written. False, and
    /// nothing happens, if some relay up to there cannot have been sent, or more are known to be processed.
    /// </summary>
    public bool TryRewind(ulong relay)
    {
        // Requests between processed relays move up to the first relay that is not, so that all of it is in one piece again.
        var between = new ArrayBufferWriter<byte>();
        long position = _buffer.Head;
        ulong relays = _relaysReleased, requests = _requestsReleased;
        while (position < _buffer.Next)
        {
            FrameHeader header = HeaderAt(position);
            int bytes = ProtocolLimits.HeaderBytes + (int)header.Length;
            if (header.Type == FrameType.Relay)
            {
                if (relays == relay)
                {
                    break;
                }

                relays++;
            }
            else if (header.Type == FrameType.Goodbye || (IsRequest(header.Type) && requests++ >= _requestsAnswered))
            {
                _buffer.Read(position, between.GetSpan(bytes)[..bytes]);
                between.Advance(bytes);
            }

            position += bytes;
        }

        if (relays != relay || relay < Processed)
        {
            return false;
        }

        (Processed, _relaysReleased) = (relay, relays);
        _requestsReleased = Math.Min(requests, _requestsAnswered);
        position -= between.WrittenCount;
        _buffer.Write(position, between.WrittenSpan);
        _buffer.Rewind(position);
        _acknowledgement = -1;
        return true;
    }

    /// <summary>
    /// Releases everything: another session begins. Nothing may be in flight. Numbers continue, so that no answer of the old session is mistaken
    /// for one of the new.
    /// </summary>
    public void Clear()
    {
        _buffer.Clear();
        _sessionStart = _relaysReleased = Processed = Relays;
        _requestsReleased = _requestsAnswered = 0;
        _acknowledgement = -1;
    }

    private static bool IsRequest(FrameType type) => type is FrameType.Echo or FrameType.Identity or FrameType.List or FrameType.Heartbeat;

    private FrameHeader HeaderAt(long position)
    {
        Span<byte> header = stackalloc byte[ProtocolLimits.HeaderBytes];
        _buffer.Read(position, header);
        return FrameHeader.Read(header);
    }

    private void Release()
    {
        if (!Retains)
        {
            _buffer.ReleaseBefore(_buffer.Sent);
            return;
        }

        long position = _buffer.Head;
        while (position < _buffer.Sent)
        {
            FrameHeader header = HeaderAt(position);
            long end = position + ProtocolLimits.HeaderBytes + header.Length;
            bool isRelay = header.Type == FrameType.Relay, isRequest = IsRequest(header.Type);
            if (end > _buffer.Sent || (isRelay && _relaysReleased == Processed) || (isRequest && _requestsReleased == _requestsAnswered))
            {
                break;
            }

            _relaysReleased += isRelay ? 1UL : 0;
            _requestsReleased += isRequest ? 1UL : 0;
            position = end;
        }

        if (position > _buffer.Head)
        {
            _buffer.ReleaseBefore(position);
        }
    }
}
