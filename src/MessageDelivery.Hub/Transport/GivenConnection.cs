using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// A connection that the hub has given away. Its layer is the callee's: nobody else receives or sends on it, and no loop watches its
/// descriptor. It counts among the hub's connections until it is disposed of.
/// </summary>
/// <param name="layer">The top layer. Where it is a <see cref="SocketLayer"/>, its descriptor is a TCP socket that does not block.</param>
/// <param name="peer">Who is at the other end.</param>
/// <param name="received">What was received already; it comes before what the layer brings.</param>
/// <param name="slot">What it takes up among the hub's connections.</param>
internal sealed class GivenConnection(ByteLayer layer, PeerAddress peer, byte[] received, IConnectionSlot slot) : IDisposable
{
    private bool _isClosed;

    public ByteLayer Layer => layer;

    public PeerAddress Peer => peer;

    public ReadOnlyMemory<byte> Received => received;

    /// <summary>Closes the layer and gives the slot back.</summary>
    public void Dispose()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            try
            {
                layer.Close();
            }
            finally
            {
                slot.Release();
            }
        }
    }
}
