namespace MessageDelivery.Client;

/// <summary>
/// A message that arrived. Its memory is the library's: read <see cref="Body"/> or copy it, then dispose the delivery, and do
/// not keep the memory. One thread at a time. A delivery that is never disposed costs its memory until it is collected.
/// </summary>
/// <remarks>
/// It is taken, and acknowledged to the hub, when it is disposed or when the next one is asked for, whichever is first; only then does a
/// sender who confirms learn that it is delivered. A handler that itself waits for a confirmation should dispose of its delivery
/// first: two such handlers would wait for each other until the hub's limit for it has passed.
/// </remarks>
public sealed class Delivery : IDisposable
{
    private readonly DeliveryQueue? _queue;
    private BodyLease _lease;

    /// <param name="sender">The sender's id.</param>
    /// <param name="block">What the body stands in.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="queue">Whom to tell that it was taken; null for nobody.</param>
    /// <param name="number">Its number among the frames that are acknowledged; 0 where none is.</param>
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

    /// <summary>Gives the memory back, and counts as taken. More than once does no harm.</summary>
    public void Dispose()
    {
        _lease.Release();
        _queue?.NoteDisposed(Number);
    }

    /// <summary>Gives the memory back; the program has not taken it.</summary>
    internal void Release() => _lease.Release();
}
