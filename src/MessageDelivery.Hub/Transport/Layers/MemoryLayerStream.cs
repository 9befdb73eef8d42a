using System.Buffers;
using System.IO.Pipelines;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// The end of a <see cref="MemoryLayer"/> that is not the hub's. One reads and one writes at a time, as with a socket's stream. Disposing
/// of it ends both directions.
/// </summary>
internal sealed class MemoryLayerStream(PipeReader reader, PipeWriter writer) : Stream
{
    private long _readBytes;
    private volatile bool _isReset;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Bytes that were read in all. Any thread.</summary>
    internal long ReadBytes => Volatile.Read(ref _readBytes);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        var taken = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, buffer.Length));
        taken.CopyTo(buffer.Span);
        int length = (int)taken.Length;
        reader.AdvanceTo(taken.End);
        Volatile.Write(ref _readBytes, _readBytes + length);
        return length > 0 || !_isReset ? length : throw new IOException("The hub has reset the connection.");
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // In pieces, so that what is in the pipe stays within its capacity whatever is written at one time.
        while (!buffer.IsEmpty)
        {
            int length = Math.Min(buffer.Length, MemoryLayer.CapacityBytes / 4);
            var result = await writer.WriteAsync(buffer[..length], cancellationToken).ConfigureAwait(false);
            if (result.IsCompleted)
            {
                throw new IOException("The hub has closed the connection.");
            }

            buffer = buffer[length..];
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>From now on an end is a break.</summary>
    internal void Reset() => _isReset = true;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            writer.Complete();
            reader.Complete();
        }

        base.Dispose(disposing);
    }
}
