using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HdrHistogram;
using MessageDelivery.Load.Linux;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>
/// Sends and receives for all connections of a run, on one thread. Nothing is allocated, and nothing is parsed but where each
/// delivery begins.
/// </summary>
internal sealed unsafe class LoadLoop : IDisposable
{
    private const int BufferBytes = 1 << 20;
    private const uint Gone = Libc.EpollErr | Libc.EpollHup | Libc.EpollRdHup;
    private static readonly TimeSpan MaxWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(5);
    private static readonly double TicksPerMillisecond = Stopwatch.Frequency / 1e3;

    private readonly LoadSettings _settings;
    private readonly Population _population;
    private readonly WireProtocol _protocol;
    private readonly Connection[] _connections;
    private readonly Sender[] _senders;
    private readonly Receiver[] _receivers;
    private readonly Queue<Sender> _ready;
    private readonly Epoll _epoll = new();
    private readonly byte* _buffer = (byte*)NativeMemory.Alloc(BufferBytes);
    private readonly long _deliveryBytes;
    private readonly int _bodyOffset;
    private readonly byte _firstByte;
    private readonly Acknowledging _acknowledging;
    private readonly Pace? _pace;
    private readonly bool _numbersSenders;
    private readonly bool _timesSending;
    private readonly long _maxSilenceTicks;
    private readonly SlowestReceiver _slowest;
    private readonly SharedWindow? _sharedWindow;
    private readonly Action<Sender> _write;
    private long _released; // messages of the open loop that were due
    private LongHistogram? _latencies;

    public LoadLoop(LoadSettings settings, Population population, WireProtocol protocol)
    {
        _settings = settings;
        _population = population;
        _protocol = protocol;
        _connections = [.. population.Connections];
        _senders = population.Senders;
        _receivers = population.Receivers;
        _ready = new(_connections.Length);
        _deliveryBytes = protocol.DeliveryBytes;
        _bodyOffset = protocol.DeliveryHeadBytes;
        _firstByte = protocol.DeliveryFirstByte;
        _acknowledging = new(protocol);
        _pace = population.Pace;
        _numbersSenders = settings.NumbersSenders;
        _timesSending = settings.Rate is null && settings.IsTimed;
        _slowest = new(_receivers);
        _write = Write;
        _sharedWindow = settings.SharedWindow ? new(_senders, settings.Window) : null;
        double silence = Math.Max(MaxSilence.TotalSeconds, 3 * (_pace?.SecondsPerMessage ?? 0));
        _maxSilenceTicks = (long)(silence * Stopwatch.Frequency);
        for (int i = 0; i < _connections.Length; i++)
        {
            bool neverReads = _connections[i] is { StoppedPair: not null, Sender: null };
            uint events = neverReads ? Libc.EpollRdHup : Libc.EpollIn | Libc.EpollOut | Libc.EpollRdHup;
            _epoll.Add(_connections[i].Fd, events | Libc.EpollEdge, i);
        }
    }

    /// <summary>Whole deliveries so far.</summary>
    public long Delivered { get; private set; }

    /// <summary>Lets the senders begin.</summary>
    public void Start()
    {
        if (_pace is not null)
        {
            _pace.Start = Stopwatch.GetTimestamp();
        }
        else if (_sharedWindow is null)
        {
            foreach (var sender in _senders)
            {
                Allow(sender, _settings.Window);
            }
        }

        foreach (var pair in _population.StoppedPairs)
        {
            pair.Sender.AllowAll();
            EnqueueIfReady(pair.Sender);
        }
    }

    /// <summary>Runs for so long, and records the time that each delivery took where that is measured.</summary>
    /// <exception cref="LoadException">A server closed a healthy connection or sent something unexpected, or nothing came.</exception>
    public void Run(TimeSpan time, LongHistogram? latencies)
    {
        _latencies = latencies;
        long now = Stopwatch.GetTimestamp();
        long end = now + (long)(time.TotalSeconds * Stopwatch.Frequency);
        long delivered = Delivered;
        long deliveredAt = now;
        while (now < end)
        {
            Turn(now, end);
            now = Stopwatch.GetTimestamp();
            if (Delivered != delivered)
            {
                delivered = Delivered;
                deliveredAt = now;
            }
            else if (now - deliveredAt > _maxSilenceTicks)
            {
                throw new LoadException($"nothing was delivered for {_maxSilenceTicks / Stopwatch.Frequency} s, after {delivered} deliveries");
            }
        }
    }

    public void Dispose()
    {
        _epoll.Dispose();
        NativeMemory.Free(_buffer);
    }

    private void Turn(long now, long end)
    {
        if (_pace is not null)
        {
            ReleaseDue(_pace, now);
        }

        int count = _epoll.Wait(_sharedWindow?.Write(Delivered, _write) == true ? 0 : Timeout(now, end));
        for (int i = 0; i < count; i++)
        {
            var (events, tag) = _epoll[i];
            var connection = _connections[tag];
            if ((events & Libc.EpollOut) != 0 && connection.Sender is Sender sender)
            {
                sender.IsBlocked = false;
                EnqueueIfReady(sender);
            }

            if (connection.StoppedPair is StoppedPair pair)
            {
                ServeStopped(connection, pair, events);
            }
            else if ((events & (Libc.EpollIn | Gone)) != 0)
            {
                Receive(connection);
            }
        }

        // Each writes once: what it may write beyond that comes after what others have to write, and what has arrived.
        for (int ready = _ready.Count; ready > 0; ready--)
        {
            var sender = _ready.Dequeue();
            sender.IsQueued = false;
            if (sender.CanWrite)
            {
                Write(sender);
            }
        }
    }

    private int Timeout(long now, long end)
    {
        if (_ready.Count > 0)
        {
            return 0;
        }

        // Rounded down: for the last part of a millisecond it looks again and again, so that nothing is sent late.
        long next = Math.Min(end, _pace?.Due(_released) ?? long.MaxValue);
        return (int)Math.Clamp((next - now) / TicksPerMillisecond, 0, MaxWait.TotalMilliseconds);
    }

    private void ReleaseDue(Pace pace, long now)
    {
        for (; pace.Due(_released) <= now; _released++)
        {
            Allow(_senders[_released % _senders.Length], 1);
        }
    }

    private void Write(Sender sender)
    {
        int error = sender.Write();
        if (error == 0)
        {
            EnqueueIfReady(sender);
        }
        else if (sender.Connection.StoppedPair is StoppedPair pair)
        {
            pair.Cut();
        }
        else
        {
            throw new LoadException($"the server closed the connection of sender {sender.Number}: {new Win32Exception(error).Message}");
        }
    }

    private void Allow(Sender sender, long messages)
    {
        sender.Allow(messages);
        EnqueueIfReady(sender);
    }

    private void EnqueueIfReady(Sender sender)
    {
        if (sender is { CanWrite: true, IsQueued: false })
        {
            sender.IsQueued = true;
            _ready.Enqueue(sender);
        }
    }

    private void ServeStopped(Connection connection, StoppedPair pair, uint events)
    {
        while (connection.Sender is not null && Libc.Receive(connection.Fd, _buffer, BufferBytes, Libc.MsgDontWait) > 0)
        {
            // What a server tells a sender that it holds back is of no interest here.
        }

        if ((events & Gone) != 0)
        {
            pair.Cut();
        }
    }

    private void Receive(Connection connection)
    {
        nint count;
        do
        {
            count = Libc.Receive(connection.Fd, _buffer, BufferBytes, Libc.MsgDontWait);
            int bytes = count > 0 ? Unframe(connection, (int)count) : 0;
            if (bytes > 0 && connection.Receiver is Receiver receiver)
            {
                Consume(receiver, _buffer, _buffer + bytes);
                _acknowledging.SendIfDue(connection, receiver);
            }
            else if (bytes > 0 && _protocol.FaultIn(new(_buffer, bytes)) is string fault)
            {
                throw new LoadException($"{fault}, to sender {connection.Sender!.Number}");
            }
        }
        while (count == BufferBytes);
        if (count == 0 || (count < 0 && Libc.LastError is not (Libc.TryAgain or Libc.Interrupted)))
        {
            string whose = connection.Receiver is null ? $"sender {connection.Sender!.Number}" : $"receiver {connection.Receiver.Number}";
            string how = count < 0 ? $": {new Win32Exception(Libc.LastError).Message}"
                : connection.WebSocket?.Closing is { } closing ? $": {closing}" : "";
            throw new LoadException($"the server closed the connection of {whose}{how}");
        }
    }

    /// <summary>How many bytes are left when the frames of WebSocket are taken off.</summary>
    private int Unframe(Connection connection, int count)
    {
        try
        {
            return connection.WebSocket is { } webSocket ? webSocket.Unframe(new(_buffer, count)) : count;
        }
        catch (InvalidDataException e)
        {
            throw new LoadException(e.Message);
        }
    }

    private void Consume(Receiver receiver, byte* at, byte* end)
    {
        long now = _latencies is null ? 0 : Stopwatch.GetTimestamp();
        long completed = receiver.Position == 0 ? 0 : Continue(receiver, ref at, end, now);
        while (at < end)
        {
            if (*at != _firstByte)
            {
                receiver.Position = -BytesToPassOver(receiver, new(at, (int)(end - at)));
                Continue(receiver, ref at, end, now);
                continue;
            }

            if (end - at < _deliveryBytes)
            {
                receiver.Gather(at, end - at, _bodyOffset);
                break;
            }

            LookInto(at + _bodyOffset, now);
            at += _deliveryBytes;
            completed++;
        }

        if (completed > 0)
        {
            Credit(receiver, completed, now);
        }
    }

    /// <summary>Goes on with what an earlier piece left unfinished. How many deliveries that completed: one or none.</summary>
    private int Continue(Receiver receiver, ref byte* at, byte* end, long now)
    {
        if (receiver.Position < 0)
        {
            long passed = Math.Min(-receiver.Position, end - at);
            receiver.Position += passed;
            at += passed;
            return 0;
        }

        long rest = Math.Min(_deliveryBytes - receiver.Position, end - at);
        receiver.Gather(at, rest, _bodyOffset);
        at += rest;
        if (receiver.Position < _deliveryBytes)
        {
            return 0;
        }

        receiver.Position = 0;
        ulong bodyStart = receiver.BodyStart;
        LookInto((byte*)&bodyStart, now);
        return 1;
    }

    /// <summary>What a body says about its sender, or about when it was due. In other modes it is not looked at.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LookInto(byte* body, long now)
    {
        if (_numbersSenders)
        {
            uint number = *(uint*)body;
            var sender = number < _senders.Length ? _senders[number] : throw new LoadException($"a body names sender {number} of {_senders.Length}");
            Record(now - sender.SentAt, _timesSending ? 1 : 0);
            Allow(sender, 1);
        }
        else if (_pace is not null)
        {
            Record(now - *(long*)body, 1);
        }
    }

    private void Credit(Receiver receiver, long completed, long now)
    {
        long before = receiver.Delivered;
        receiver.Delivered += completed;
        Delivered += completed;
        if (_pace is not null || _numbersSenders || _sharedWindow is not null)
        {
            return;
        }

        var sender = receiver.Sender ?? _senders[0];
        Record(now - sender.SentAt, _timesSending ? completed : 0);
        if (receiver.Sender is not null)
        {
            Allow(sender, completed);
        }
        else if (_slowest.Advance(before) is var further and > 0)
        {
            Allow(sender, further);
        }
    }

    private void Record(long ticks, long count)
    {
        if (count > 0 && _latencies is not null)
        {
            // Everything above a minute is a minute: runs are shorter.
            long value = Math.Clamp(ticks, 1, _latencies.HighestTrackableValue);
            _latencies.RecordValueWithCount(value, count);
        }
    }

    private int BytesToPassOver(Receiver receiver, ReadOnlySpan<byte> bytes)
    {
        int count = _protocol.BytesToPassOver(bytes[0]);
        return count > 0 ? count : throw new LoadException($"{_protocol.Describe(bytes)}, to receiver {receiver.Number}");
    }
}
