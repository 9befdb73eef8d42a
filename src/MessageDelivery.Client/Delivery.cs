namespace MessageDelivery.Client;

/// <summary>
/// A received message. Its memory belongs to the library: read <see cref="Body"/> or copy it, then dispose of the delivery. One thread at a
/// time. A delivery that is never disposed costs its memory until it is collected.
/// </summary>
/// <remarks>
/// It is taken, and acknowledged to the hub, when it is disposed or when the next one is asked for, whichever is first; only then does a
/// sender that confirms learn that it was delivered. A handler that itself waits for a confirmation should dispose of its delivery first:
/// two such handlers would wait for each other until the hub's limit for it has passed.
/// </remarks>
public sealed class Delivery : IDisposable
{
    private readonly DeliveryQueue? _queue;
    private BodyLease _lease;

    /// <param name="sender">The sender's id.</param>
    /// <param name="block">The block with the body.</param>
    /// <param name="offset">The body's offset in the block.</param>
    /// <param name="length">The body's bytes.</param>
    /// <param name="queue">Notified when it is taken; null for none.</param>
    /// <param name="number">Its number in <see cref="Acknowledgements"/>; 0 where nothing is acknowledged.</param>
    internal Delivery(ulong sender, ReceiveBlock block, int offset, int length, DeliveryQueue? queue = null, ulong number = 0)
    {
        Sender = sender;
        Number = number;
        _queue = queue;
        _lease = new(block, offset, length);
    }

    /// <summary>The id of the user who sent it.</summary>
    public ulong Sender { get; }

    /// <summary>The body, byte for byte as sent; valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The delivery has been disposed.</exception>
    public ReadOnlyMemory<byte> Body => _lease.Memory(this);

    internal int BodyBytes => _lease.Length;

    internal ulong Number { get; }

    /// <summary>Returns the memory, and counts as taken. May be called more than once.</summary>
    public void Dispose()
    {
        _lease.Release();
        _queue?.NoteDisposed(Number);
    }

    /// <summary>Returns the memory; the program has not taken it.</summary>
    internal void Release() => _lease.Release();
}
