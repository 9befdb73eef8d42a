using System.Diagnostics;
using MessageDelivery.Load.Linux;

namespace MessageDelivery.Load;

/// <summary>Writes its batch over and over, as far as it is allowed to.</summary>
internal sealed unsafe class Sender(int number, Connection connection, Batch batch, Pace? pace)
{
    private long _offset;
    private long _allowedMessages;
    private long _stampedMessages;

    public int Number { get; } = number;

    public Connection Connection { get; } = connection;

    public long WrittenBytes { get; private set; }

    /// <summary>Up to where it may write: whole messages, over WebSocket whole frames.</summary>
    public long AllowedBytes { get; private set; }

    /// <summary>The socket took no more; the next EPOLLOUT ends that.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>It stands in the queue of those that can write.</summary>
    public bool IsQueued { get; set; }

    /// <summary>When it last began to write where a message or a frame begins. With one message in flight, when that was sent.</summary>
    public long SentAt { get; private set; }

    public bool CanWrite => !IsBlocked && WrittenBytes < AllowedBytes;

    /// <summary>Allows so many more messages.</summary>
    public void Allow(long messages)
    {
        _allowedMessages += messages;
        AllowedBytes = _allowedMessages / batch.MessagesPerUnit * batch.UnitBytes;
    }

    public void AllowAll() => AllowedBytes = long.MaxValue;

    public void Stop() => AllowedBytes = 0;

    /// <summary>Writes once. Zero, or the number of the error if the connection has broken.</summary>
    public int Write()
    {
        long length = Math.Min(AllowedBytes - WrittenBytes, batch.Bytes - _offset);
        if (pace is not null)
        {
            Stamp(pace, WrittenBytes + length);
        }

        if (WrittenBytes % batch.UnitBytes == 0)
        {
            SentAt = Stopwatch.GetTimestamp();
        }

        nint count = Libc.Send(Connection.Fd, batch.Start + _offset, (nint)length, Libc.MsgDontWait | Libc.MsgNoSignal);
        if (count < 0)
        {
            int error = Libc.LastError;
            IsBlocked = error == Libc.TryAgain;
            return IsBlocked || error == Libc.Interrupted ? 0 : error;
        }

        WrittenBytes += count;
        _offset += count;
        _offset = _offset == batch.Bytes ? 0 : _offset;
        return 0;
    }

    // A message is stamped just before its first byte is written: what its place in the batch held before has left by then.
    private void Stamp(Pace pace, long endBytes)
    {
        for (; batch.OffsetOf(_stampedMessages) < endBytes; _stampedMessages++)
        {
            batch.Stamp(_stampedMessages, pace.Due(Number, _stampedMessages));
        }
    }
}
