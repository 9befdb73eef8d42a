namespace MessageDelivery.Client;

/// <summary>
/// Bytes that came back from the hub. The memory is the library's: read or copy it, then dispose this, and do not keep the
/// memory. One thread at a time.
/// </summary>
public sealed class MessageBody : IDisposable
{
    private BodyLease _lease;

    internal MessageBody(ReceiveBlock block, int offset, int length) => _lease = new(block, offset, length);

    /// <summary>The bytes; valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">This has been disposed.</exception>
    public ReadOnlyMemory<byte> Memory => _lease.Memory(this);

    /// <summary>Gives the memory back. More than once does no harm.</summary>
    public void Dispose() => _lease.Release();
}
