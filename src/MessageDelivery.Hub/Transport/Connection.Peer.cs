namespace MessageDelivery.Hub.Transport;

/// <content>Who is at the other end, for the audit.</content>
internal sealed partial class Connection
{
    /// <summary>The peer's address, as <see cref="NotePeer"/> found it.</summary>
    public PeerAddress Address { get; private set; }

    /// <summary>What it speaks, once that is known.</summary>
    public string? Protocol { get; set; }

    /// <summary>Who it has proved to be; null is nobody in particular.</summary>
    public string? Subject { get; set; }

    /// <summary>Asks the kernel for the address while it knows: of a connection that broke it tells nothing any more.</summary>
    public void NotePeer() => Address = PeerAddress.Of(_socket);
}
