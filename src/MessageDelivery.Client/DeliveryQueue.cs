using System.Runtime.CompilerServices;

namespace MessageDelivery.Client;

/// <summary>
/// Deliveries that wait for the reader, bounded by bytes. Outlives a connection: what came before it was lost can still be
/// read. One producer and one reader at a time.
/// </summary>
internal sealed class DeliveryQueue(long limitBytes)
{
    // The Delivery and its place in the queue: without it empty bodies would be free.
    private const int OverheadBytes = 64;

    private readonly Lock _gate = new();
    private readonly Queue<Delivery> _items = new();
    private readonly AsyncSignal _arrived = new();
    private readonly AsyncSignal _room = new();
    private long _bytes;
    private bool _hasReader;
    private bool _closing;
    private bool _completed;
    private HubConnectionException? _reason;

    /// <summary>Bytes that wait, overhead included.</summary>
    public long PendingBytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Takes a delivery, and owns it, whether there is room or not.</summary>
    public void Enqueue(Delivery delivery)
    {
        lock (_gate)
        {
            if (_completed || (_closing && !_hasReader && _bytes >= limitBytes))
            {
                delivery.Dispose();
                return;
            }

            _items.Enqueue(delivery);
            _bytes += delivery.BodyBytes + OverheadBytes;
        }

        _arrived.Set();
    }

    /// <summary>Whether the producer may read on.</summary>
    public bool HasRoom
    {
        get
        {
            lock (_gate)
            {
                return _bytes < limitBytes || _completed || (_closing && !_hasReader);
            }
        }
    }

    /// <summary>Completes when there may be room, or after <see cref="WakeProducer"/>.</summary>
    public ValueTask WaitForRoomAsync() => _room.WaitAsync();

    public void WakeProducer() => _room.Set();

    /// <summary>
    /// From now on a full queue without a reader drops what comes, so that a client that is saying goodbye gets to the hub's
    /// answer behind it.
    /// </summary>
    public void BeginClose()
    {
        lock (_gate)
        {
            _closing = true;
        }

        _room.Set();
    }

    /// <summary>Ends the reader after what is queued: with the reason, or without an error where there is none.</summary>
    public void Complete(HubConnectionException? reason)
    {
        lock (_gate)
        {
            if (_completed)
            {
                return;
            }

            _completed = true;
            _reason = reason;
        }

        _arrived.Set();
        _room.Set();
    }

    /// <summary>Gives back what nobody will read.</summary>
    public void Discard()
    {
        lock (_gate)
        {
            while (_items.TryDequeue(out Delivery? delivery))
            {
                delivery.Dispose();
            }

            _bytes = 0;
        }

        _room.Set();
    }

    public async IAsyncEnumerable<Delivery> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_hasReader)
            {
                throw new InvalidOperationException("another loop is receiving from this client; one at a time may");
            }

            _hasReader = true;
        }

        try
        {
            using var _ = cancellationToken.UnsafeRegister(static signal => ((AsyncSignal)signal!).Set(), _arrived);
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (TryDequeue(out Delivery? delivery, out bool completed))
                {
                    yield return delivery;
                }
                else if (completed)
                {
                    if (_reason is not null)
                    {
                        throw _reason;
                    }

                    yield break;
                }
                else
                {
                    await _arrived.WaitAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                _hasReader = false;
            }

            _room.Set();
        }
    }

    private bool TryDequeue([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Delivery? delivery, out bool completed)
    {
        bool wake;
        lock (_gate)
        {
            completed = _completed;
            if (!_items.TryDequeue(out delivery))
            {
                return false;
            }

            bool wasFull = _bytes >= limitBytes;
            _bytes -= delivery.BodyBytes + OverheadBytes;
            wake = wasFull && _bytes < limitBytes;
        }

        if (wake)
        {
            _room.Set();
        }

        return true;
    }
}
