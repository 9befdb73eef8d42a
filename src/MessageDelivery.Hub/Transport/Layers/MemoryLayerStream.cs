using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// The end of a <see cref="MemoryLayer"/> that is not the hub's. One reads and one writes at a time, as with a socket's stream. Disposing
/// of it ends both directions, and a read that waits.
/// </summary>
internal sealed class MemoryLayerStream(PipeReader reader, PipeWriter writer) : DuplexStream
{
    private Action _written = static () => { };
    private long _readBytes;
    private Use _use;
    private volatile bool _isReset;

    /// <summary>Who has to do with the pipe's reader, which must not be completed while somebody copies out of it.</summary>
    private enum Use
    {
        Idle,
        Reading,
        Disposed,
    }

    /// <summary>Called, on the writer's thread, when something was written, and at the end. Set by any thread.</summary>
    internal Action Written
    {
        set => Volatile.Write(ref _written, value);
    }

    /// <summary>Bytes that were read in all. Any thread.</summary>
    internal long ReadBytes => Volatile.Read(ref _readBytes);

    // What an await keeps comes from the runtime's pool, which has one for each thread and processor: where more reads wait at one time, those
    // beyond that allocate theirs, on the program's threads.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        BeginRead();
        try
        {
            var result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var taken = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, buffer.Length));
            taken.CopyTo(buffer.Span);
            int length = (int)taken.Length;
            reader.AdvanceTo(taken.End);
            Volatile.Write(ref _readBytes, _readBytes + length);
            ObjectDisposedException.ThrowIf(result.IsCanceled, this);
            return length > 0 || !_isReset ? length : throw new IOException("The hub has reset the connection.");
        }
        finally
        {
            EndRead();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // In pieces, so that what is in the pipe stays within its capacity whatever is written at one time.
        while (!buffer.IsEmpty)
        {
            int length = Math.Min(buffer.Length, MemoryLayer.CapacityBytes / 4);
            var writing = writer.WriteAsync(buffer[..length], cancellationToken).ConfigureAwait(false);

            // Before it is awaited: it may wait for the hub.
            Volatile.Read(ref _written)();
            var result = await writing;
            if (result.IsCompleted)
            {
                throw new IOException("The hub has closed the connection.");
            }

            buffer = buffer[length..];
        }
    }

    /// <summary>From now on an end is a break.</summary>
    internal void Reset() => _isReset = true;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            writer.Complete();
            switch (Interlocked.Exchange(ref _use, Use.Disposed))
            {
                case Use.Idle:
                    reader.Complete();
                    break;
                case Use.Reading:
                    reader.CancelPendingRead();
                    break;
                default:
                    break;
            }

            Volatile.Read(ref _written)();
        }

        base.Dispose(disposing);
    }

    private void BeginRead()
    {
        var use = Interlocked.CompareExchange(ref _use, Use.Reading, Use.Idle);
        ObjectDisposedException.ThrowIf(use == Use.Disposed, this);
        if (use == Use.Reading)
        {
            throw new InvalidOperationException("Another read is under way.");
        }
    }

    private void EndRead()
    {
        if (Interlocked.CompareExchange(ref _use, Use.Idle, Use.Reading) == Use.Disposed)
        {
            reader.Complete();
        }
    }
}
