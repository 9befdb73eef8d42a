using System.Runtime.CompilerServices;

namespace MessageDelivery.Client;

/// <summary>Deliveries that wait for the program, bounded by bytes. Outlives a connection. One producer and one reader at a time.</summary>
internal sealed class DeliveryQueue(long limitBytes)
{
    // For the Delivery object and its entry: otherwise empty bodies would cost nothing.
    private const int OverheadBytes = 64;

    private readonly Lock _gate = new();
    private readonly Queue<Delivery> _items = new();
    private readonly AsyncSignal _arrived = new();
    private readonly AsyncSignal _room = new();
    private long _bytes;
    private ulong _untaken;
    private bool _hasReader;
    private bool _closing;
    private bool _completed;
    private HubConnectionException? _reason;

    /// <summary>Called with the number of a delivery that the program has taken, on the program's thread and without a lock.</summary>
    public Action<ulong>? Taken { get; set; }

    /// <summary>Bytes in the queue, overhead included.</summary>
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

    /// <summary>Adds a delivery, whether there is room or not, and owns it. False if it was dropped because nobody will read it.</summary>
    public bool TryEnqueue(Delivery delivery)
    {
        lock (_gate)
        {
            if (_completed || (_closing && !_hasReader && _bytes >= limitBytes))
            {
                delivery.Release();
                return false;
            }

            _items.Enqueue(delivery);
            _bytes += delivery.BodyBytes + OverheadBytes;
        }

        _arrived.Set();
        return true;
    }

    /// <summary>Whether the producer may continue.</summary>
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

    /// <summary>From now on a full queue without a reader drops what is added, so that a closing client gets to the hub's GOODBYE behind it.</summary>
    public void BeginClose()
    {
        lock (_gate)
        {
            _closing = true;
        }

        _room.Set();
    }

    /// <summary>Ends the reader behind what is queued: with the reason, or without an error if it is null.</summary>
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

    /// <summary>Drops everything that is queued.</summary>
    public void Discard()
    {
        lock (_gate)
        {
            while (_items.TryDequeue(out Delivery? delivery))
            {
                delivery.Release();
            }

            _bytes = 0;
        }

        _room.Set();
    }

    /// <summary>A delivery was disposed of: it is taken now, unless the next one was asked for before.</summary>
    public void NoteDisposed(ulong number)
    {
        if (number != 0 && Interlocked.CompareExchange(ref _untaken, 0, number) == number)
        {
            Taken?.Invoke(number);
        }
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
                TakePrevious();
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

    /// <summary>The next delivery is asked for: the previous one is taken.</summary>
    private void TakePrevious()
    {
        if (Volatile.Read(ref _untaken) != 0 && Interlocked.Exchange(ref _untaken, 0) is var number and not 0)
        {
            Taken?.Invoke(number);
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

            Volatile.Write(ref _untaken, delivery.Number);
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
