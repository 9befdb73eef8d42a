namespace MessageDelivery.Hub.Transport;

/// <content>Who is at the other end.</content>
internal sealed partial class Connection
{
    /// <summary>The peer's address and port.</summary>
    public PeerAddress Peer { get; }

    /// <summary>What it speaks, once that is known.</summary>
    public string? Protocol { get; set; }

    /// <summary>Who it has proved to be; null is nobody in particular.</summary>
    public string? Subject { get; set; }
}
