using System.Diagnostics;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Clients;

/// <content>What comes on a connection, and what goes out.</content>
internal sealed partial class BinaryClient
{
    /// <summary>Reads until the connection ends; why it did.</summary>
    private async Task<string> ReadAsync(WireConnection wire, CancellationToken cancellationToken)
    {
        var session = _session!;
        while (true)
        {
            var frame = await ReceiveAsync(wire, cancellationToken);
            Volatile.Write(ref _lastReceived, Stopwatch.GetTimestamp());
            switch (frame.Type)
            {
                case FrameType.Delivery:
                    ulong sender = frame.Number();
                    _history.Received(session.Number, NextCount(session), sender, Body.Read(frame.Payload.Span[8..], surroundings.Run));
                    Count(session, frame);
                    break;
                case FrameType.Receipt:
                    _history.Answered(session.Number, (long)frame.Number(), frame.Payload.Span[8..]);
                    Count(session, frame);
                    break;
                case FrameType.Error when (frame.Header.Flags & (byte)ErrorFlags.Correlated) != 0:
                    _history.Rejected(session.Number, (long)frame.Number(), frame.Code);
                    Count(session, frame);
                    break;
                case FrameType.AckReply:
                    long total = (long)frame.Number();
                    _history.Processed(session.Number, total);
                    lock (_gate)
                    {
                        session.Relays.Release(total);
                    }

                    break;
                case FrameType.HeartbeatReply:
                    break;
                case FrameType.GoodbyeReply:
                    return Goodbye(session, frame);
                default:
                    _history.Unexpected(session.Number, $"received {frame.Type} {frame.Header.Argument}: {frame.Text}");
                    break;
            }
        }
    }

    private string Goodbye(BinarySession session, in Frame frame)
    {
        var code = frame.Code;
        string text = $"GOODBYE {code.Name()}: {frame.Text}";
        if (_saidGoodbye && code == ProtocolCode.Normal)
        {
            // Requests are carried out in order, and this was the last.
            _history.Processed(session.Number, session.Relays.Sent);
            End(SessionEnd.Left);
        }
        else if (code == ProtocolCode.TakenOver && _lastUnanswered > 0 && Stopwatch.GetElapsedTime(_lastUnanswered) < MaxLateness)
        {
            _history.Noted(session.Number, "was taken over by a connection that it had given up, whose HELLO came late");
        }
        else if (code is not (ProtocolCode.HeartbeatTimeout or ProtocolCode.SlowConsumer))
        {
            _history.Unexpected(session.Number, $"received {text}");
        }

        return text;
    }

    private long NextCount(BinarySession session) => kind == ClientKind.Plain ? 0 : session.FramesReceived + 1;

    private void Count(BinarySession session, in Frame frame)
    {
        lock (_gate)
        {
            if (session.FramesReceived++ == session.FramesAcknowledged)
            {
                session.FirstNotAcknowledged = Stopwatch.GetTimestamp();
            }

            session.BytesNotAcknowledged += ProtocolLimits.HeaderBytes + frame.Payload.Length;
            session.IsAwaited |= frame.Header is { Type: FrameType.Delivery, Flags: (byte)DeliveryFlags.Confirm };
        }
    }

    private async Task WriteAsync(WireConnection wire, CancellationToken cancellationToken)
    {
        var session = _session!;
        long lastSent = Stopwatch.GetTimestamp();
        var bytes = new MemoryStream();
        lock (_gate)
        {
            foreach (byte[] frame in session.Relays.Frames)
            {
                bytes.Write(frame);
            }
        }

        while (true)
        {
            if (Stopwatch.GetTimestamp() < Volatile.Read(ref _frozenUntil))
            {
                await Task.Delay(Tick, cancellationToken);
                continue;
            }

            AddRelays(session, bytes);
            AddAck(session, bytes);
            if (bytes.Length == 0 && Stopwatch.GetElapsedTime(lastSent) > 0.8 * _heartbeat && _heartbeat > TimeSpan.Zero)
            {
                bytes.Write(FrameBytes.Header(FrameType.Heartbeat));
            }

            bool leaves = (_leaves || (!_stopsSending && Stopwatch.GetTimestamp() > _leaveAt)) && !_saidGoodbye;
            if (leaves)
            {
                bytes.Write(FrameBytes.Header(FrameType.Goodbye));
            }

            if (bytes.Length > 0)
            {
                await _history.SettleAsync();
                _saidGoodbye |= leaves;
                await wire.SendAsync(bytes.GetBuffer().AsMemory(0, (int)bytes.Length), cancellationToken);
                bytes.SetLength(0);
                lastSent = Stopwatch.GetTimestamp();
            }

            if (_saidGoodbye)
            {
                await Task.Delay(MaxSilence, cancellationToken);
            }

            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _lastReceived)) > MaxSilence)
            {
                throw new IOException($"nothing came for {MaxSilence.TotalSeconds} s");
            }

            await Task.Delay(Tick, cancellationToken);
        }
    }

    private void AddRelays(BinarySession session, MemoryStream bytes)
    {
        if (_saidGoodbye)
        {
            return;
        }

        if (_stopsSending)
        {
            if (!session.HasConcluded)
            {
                session.HasConcluded = true;
                Add(session, bytes, new([session.UserId], RelayFlags.Receipt, Body.StampBytes, IsText: false));
            }

            return;
        }

        bool isFull;
        lock (_gate)
        {
            isFull = session.Relays.Kept >= MaxKeptRelays || session.Relays.KeptBytes >= MaxKeptBytes;
        }

        for (int count = isFull ? 0 : _pace.Take(64); count > 0; count--)
        {
            if (surroundings.Mix.Next(session.UserId) is { } draft)
            {
                Add(session, bytes, draft);
            }
        }
    }

    private void Add(BinarySession session, MemoryStream bytes, in RelayDraft draft)
    {
        long number = session.Relays.NextNumber;
        byte[] frame = RelayBytes.Relay(draft, surroundings.Run, session.Number, number);
        _history.Sending(session.Number, number, draft.Receivers, draft.Flags, draft.BodyBytes);
        lock (_gate)
        {
            session.Relays.Add(frame, isKept: session.Key is not null);
        }

        bytes.Write(frame);
    }

    /// <summary>
    /// Whether this client, if it is one of those who are bad at it, acknowledges nothing for now: for as long that confirmations time
    /// out, its queue fills, and it is at last a slow consumer.
    /// </summary>
    private bool HoldsBack()
    {
        long now = Stopwatch.GetTimestamp();
        if (!surroundings.HoldsBack || !surroundings.Faults.AreOn)
        {
            return false;
        }

        if (now >= _nextHoldBack)
        {
            double seconds = 1 + (13 * _random.NextDouble());
            _holdsBackUntil = now + (long)(seconds * Stopwatch.Frequency);
            _nextHoldBack = _holdsBackUntil + (long)((10 + (20 * _random.NextDouble())) * Stopwatch.Frequency);
        }

        return now < _holdsBackUntil;
    }

    private void AddAck(BinarySession session, MemoryStream bytes)
    {
        long total;
        lock (_gate)
        {
            long open = session.FramesReceived - session.FramesAcknowledged;
            bool isDue = session.IsAwaited || open >= AckFrames || session.BytesNotAcknowledged >= AckBytes
                || Stopwatch.GetElapsedTime(session.FirstNotAcknowledged) >= AckDelay;
            if (session.Key is null || open == 0 || !isDue || HoldsBack())
            {
                return;
            }

            total = session.FramesAcknowledged = session.FramesReceived;
            session.BytesNotAcknowledged = 0;
            session.IsAwaited = false;
        }

        _history.Acknowledging(session.Number, total);
        bytes.Write(FrameBytes.Ack((ulong)total));
    }
}
