using System.Threading.Tasks.Sources;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// What an <see cref="System.Net.Security.SslStream"/> takes for its network. While it shakes hands it waits here for records, and what
/// it says is gathered. Afterwards nobody waits: it is given whole records, reads one at a time, and what it writes goes into the
/// running thread's <see cref="TlsScratch"/>.
/// </summary>
internal sealed unsafe class RecordStream : DuplexStream, IValueTaskSource<int>
{
    private readonly TlsHandshake _handshake;
    private ManualResetValueTaskSourceCore<int> _waiting;
    private byte* _records;
    private int _length;

    public RecordStream(TlsHandshake handshake) => _handshake = handshake;

    /// <summary>Whether the handshake is over.</summary>
    public bool IsEstablished { get; set; }

    /// <summary>Bytes of the records that were given and not read.</summary>
    public int UnreadBytes => _length;

    /// <summary>Whether the last read found nothing.</summary>
    public bool RanDry { get; private set; }

    /// <summary>Gives it whole records, which stay where they are until they are read. In place of those not read.</summary>
    public void Offer(byte* records, int length)
    {
        _records = records;
        _length = length;
        RanDry = false;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!IsEstablished)
        {
            return _handshake.TryRead(buffer, out int read) ? new(read) : new(this, _waiting.Version);
        }

        if (_length == 0)
        {
            RanDry = true;
            return ValueTask.FromException<int>(new IOException("There is no record to read."));
        }

        // One at a time, so that the reader keeps none for itself that we would take for read.
        int record = TlsRecord.Length(new(_records, _length));
        int length = Math.Min(record > 0 && record <= _length ? record : _length, buffer.Length);
        new ReadOnlySpan<byte>(_records, length).CopyTo(buffer.Span);
        _records += length;
        _length -= length;
        return new(length);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (IsEstablished)
        {
            TlsScratch.Current.Write(buffer.Span);
        }
        else
        {
            _handshake.Write(buffer.Span);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>What the handshake waited for has come: it goes on, on the calling thread.</summary>
    public void Arrived(int bytes) => _waiting.SetResult(bytes);

    /// <summary>What the handshake waits for will not come.</summary>
    public void Abandoned() => _waiting.SetException(new IOException("The connection is over."));

    int IValueTaskSource<int>.GetResult(short token)
    {
        try
        {
            return _waiting.GetResult(token);
        }
        finally
        {
            _waiting.Reset();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _waiting.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiting.OnCompleted(continuation, state, token, flags);
}
