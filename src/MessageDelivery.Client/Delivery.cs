namespace MessageDelivery.Client;

/// <summary>
/// A message that arrived. Its memory is the library's: read <see cref="Body"/> or copy it, then dispose the delivery, and do
/// not keep the memory. One thread at a time. A delivery that is never disposed costs its memory until it is collected.
/// </summary>
public sealed class Delivery : IDisposable
{
    private BodyLease _lease;

    internal Delivery(ulong sender, ReceiveBlock block, int offset, int length)
    {
        Sender = sender;
        _lease = new(block, offset, length);
    }

    /// <summary>The id of the user who sent it.</summary>
    public ulong Sender { get; }

    /// <summary>The body, byte for byte as sent; valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The delivery has been disposed.</exception>
    public ReadOnlyMemory<byte> Body => _lease.Memory(this);

    internal int BodyBytes => _lease.Length;

    /// <summary>Gives the memory back. More than once does no harm.</summary>
    public void Dispose() => _lease.Release();
}
