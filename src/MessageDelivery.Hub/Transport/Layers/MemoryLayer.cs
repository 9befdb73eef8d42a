using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// A pipe within the process, with a connection at the hub's end and a <see cref="Stream"/> at the other. Each direction holds about
/// <see cref="CapacityBytes"/>: a sender of more waits until the other end has taken some, as with a socket.
/// </summary>
internal sealed class MemoryLayer : ByteLayer
{
    /// <summary>Bytes that one direction holds before its sender waits.</summary>
    public const int CapacityBytes = 64 << 10;

    private readonly PipeReader _toHub;
    private readonly PipeWriter _fromHub;
    private readonly MemoryLayerStream _otherEnd;
    private readonly Action _hasRoom;
    private Action _writable = static () => { };
    private ValueTaskAwaiter<FlushResult>? _flushing;
    private long _sent;
    private bool _resets;

    private MemoryLayer(PipeReader toHub, PipeWriter fromHub, MemoryLayerStream otherEnd)
    {
        (_toHub, _fromHub, _otherEnd) = (toHub, fromHub, otherEnd);
        _hasRoom = () => _writable();
    }

    public override int Descriptor => -1;

    /// <summary>Nobody but this process sees what passes.</summary>
    public override bool IsEncrypted => true;

    public override int UnacknowledgedBytes => (int)Math.Min(int.MaxValue, Volatile.Read(ref _sent) - _otherEnd.ReadBytes);

    /// <summary>Makes both ends.</summary>
    /// <param name="otherEnd">The end that is not the hub's. Whoever has it disposes of it.</param>
    public static MemoryLayer Create(out Stream otherEnd)
    {
        // The hub's continuations do no more than leave work for its loop; the other end's are anybody's code. The hub awaits no read: the
        // stream tells when it has written, whether or not all that was there before is taken, as an edge of epoll's does.
        var toHub = CreatePipe(reader: PipeScheduler.Inline, writer: new PoolContinuation());
        var fromHub = CreatePipe(reader: new PoolContinuation(), writer: PipeScheduler.Inline);
        var stream = new MemoryLayerStream(fromHub.Reader, toHub.Writer);
        otherEnd = stream;
        return new(toHub.Reader, fromHub.Writer, stream);
    }

    public override void Attach(Action readable, Action writable) => (_otherEnd.Written, _writable) = (readable, writable);

    public override long Receive(Span<byte> destination, LoopCounters counters, out bool more)
    {
        long received = Take(destination, isPeek: false, destination.Length, out more);
        counters.BytesReceived += Math.Max(received, 0);
        return received;
    }

    public override long Peek(Span<byte> destination) => Take(destination, isPeek: true, destination.Length, out _);

    public override long Drop(int bytes) => Take([], isPeek: false, bytes, out _);

    public override unsafe long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters)
    {
        long taken = 0;
        foreach (ref readonly var vector in vectors)
        {
            int here = Send(new ReadOnlySpan<byte>(vector.Address, (int)vector.Length));
            if (here < 0)
            {
                return Broken;
            }

            taken += here;
            if (here < vector.Length)
            {
                break;
            }
        }

        counters.BytesSent += taken;
        return taken;
    }

    public override bool TryFinish(LoopCounters counters)
    {
        _fromHub.Complete();
        return true;
    }

    /// <summary>The other end lives as long as this process.</summary>
    public override bool HasVanished(long afterMilliseconds) => false;

    public override void ResetOnClose() => _resets = true;

    public override void Close()
    {
        if (_resets)
        {
            _otherEnd.Reset();
        }

        // Who keeps the stream keeps no connection.
        Attach(static () => { }, static () => { });
        _fromHub.Complete();
        _toHub.Complete();
    }

    private static Pipe CreatePipe(PipeScheduler reader, PipeScheduler writer) => new(new(
        readerScheduler: reader,
        writerScheduler: writer,
        pauseWriterThreshold: CapacityBytes,
        resumeWriterThreshold: CapacityBytes / 2,
        minimumSegmentSize: CapacityBytes / 4,
        useSynchronizationContext: false));

    [SuppressMessage("Reliability", "CA2012", Justification = "The awaiter is kept until the loop comes back, and used once.")]
    private int Send(ReadOnlySpan<byte> bytes)
    {
        int taken = 0;
        while (taken < bytes.Length)
        {
            if (_flushing is { IsCompleted: false })
            {
                break;
            }

            bool isOver = _flushing is { } flushed && flushed.GetResult().IsCompleted;
            _flushing = null;
            if (isOver)
            {
                return (int)Broken;
            }

            var part = bytes[taken..Math.Min(bytes.Length, taken + CapacityBytes)];
            _fromHub.Write(part);
            taken += part.Length;
            Volatile.Write(ref _sent, _sent + part.Length);
            var flushing = _fromHub.FlushAsync().GetAwaiter();
            _flushing = flushing;
            if (!flushing.IsCompleted)
            {
                flushing.UnsafeOnCompleted(_hasRoom);
            }
        }

        return taken;
    }

    private long Take(Span<byte> destination, bool isPeek, int maxBytes, out bool more)
    {
        more = false;
        if (!_toHub.TryRead(out var result))
        {
            return WouldBlock;
        }

        var buffer = result.Buffer;
        int length = (int)Math.Min(buffer.Length, maxBytes);
        var taken = buffer.Slice(0, length);
        if (!destination.IsEmpty)
        {
            taken.CopyTo(destination);
        }

        // Behind bytes there may be the end; behind the end there is nothing.
        more = buffer.Length > length || (result.IsCompleted && length > 0);
        _toHub.AdvanceTo(isPeek ? buffer.Start : taken.End);
        return length > 0 || result.IsCompleted ? length : WouldBlock;
    }
}
