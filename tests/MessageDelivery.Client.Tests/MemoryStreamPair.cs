using System.IO.Pipelines;

namespace MessageDelivery.Client.Tests;

/// <summary>Two ends of a connection in memory, each a duplex stream. A write waits while 64 KiB are unread.</summary>
internal sealed class MemoryStreamPair
{
    public MemoryStreamPair()
    {
        var toHub = new Pipe(Options);
        var toClient = new Pipe(Options);
        Client = new(toClient.Reader, toHub.Writer);
        Hub = new(toHub.Reader, toClient.Writer);
    }

    public PipeStream Client { get; }

    public PipeStream Hub { get; }

    private static PipeOptions Options => new(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024, useSynchronizationContext: false);
}

/// <summary>One end. It is as bad as a stream may be where a test says so.</summary>
internal sealed class PipeStream(PipeReader reader, PipeWriter writer) : Stream
{
    private readonly Stream _read = reader.AsStream();
    private readonly CancellationTokenSource _disposed = new();
    private int _disposals;
    private int _pending;

    /// <summary>A read or write under way does not follow its token, and ends when the stream is disposed of.</summary>
    public bool IgnoresTokens { get; set; }

    /// <summary>A read or write under way is not ended by disposing.</summary>
    public bool IgnoresDispose { get; set; }

    /// <summary>Gives one byte at a time.</summary>
    public bool Trickles { get; set; }

    /// <summary>Keeps what is written until it is flushed.</summary>
    public bool Buffers { get; set; }

    public int Disposals => Volatile.Read(ref _disposals);

    /// <summary>It was disposed of while a read or a write was under way.</summary>
    public bool WasDisposedWhilePending { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Sends no more; the other end reads what was sent, and then the end.</summary>
    public void EndWriting() => writer.Complete();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var ends = Ends(cancellationToken);
        Interlocked.Increment(ref _pending);
        try
        {
            return await _read.ReadAsync(Trickles ? buffer[..Math.Min(1, buffer.Length)] : buffer, ends.Token);
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        buffer.CopyTo(writer.GetMemory(buffer.Length));
        writer.Advance(buffer.Length);
        if (!Buffers)
        {
            await FlushAsync(cancellationToken);
        }
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        using var ends = Ends(cancellationToken);
        Interlocked.Increment(ref _pending);
        try
        {
            if ((await writer.FlushAsync(ends.Token)).IsCompleted)
            {
                throw new IOException("the other end is gone");
            }
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    public override void Flush() => throw new NotSupportedException();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Increment(ref _disposals) == 1)
        {
            WasDisposedWhilePending = Volatile.Read(ref _pending) > 0;
            _disposed.Cancel();
            reader.Complete();
            writer.Complete();
        }

        base.Dispose(disposing);
    }

    private CancellationTokenSource Ends(CancellationToken token) => CancellationTokenSource.CreateLinkedTokenSource(
        IgnoresTokens ? CancellationToken.None : token, IgnoresDispose ? CancellationToken.None : _disposed.Token);
}
