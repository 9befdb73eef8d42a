using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Protocols.Http;

/// <summary>What the connections on which HTTP is spoken share, on all loops. Any thread.</summary>
/// <param name="Server">Who serves requests; null where nobody does.</param>
/// <param name="Policy">Who may ask for what.</param>
/// <param name="Quota">How many connections may be served.</param>
/// <param name="Gate">Counts who comes through a trusted proxy.</param>
internal sealed record HttpServices(IHttpServer? Server, HttpPolicy Policy, HttpQuota Quota, AddressGate? Gate)
{
    /// <summary>Nobody serves requests.</summary>
    public static HttpServices None { get; } = new(null, new(new(), static _ => false), new(0), null);

    /// <summary>Whose a connection through a trusted proxy is, by what the proxy says; from now on it is known and counted as theirs.</summary>
    /// <returns>Why it may not come; null if it may.</returns>
    public Ending? Identify(Connection connection, in HttpHead head)
    {
        if (Gate is null || !Policy.IsTrusted(connection.Peer))
        {
            return null;
        }

        var client = Policy.ClientOf(connection.Peer, head.All("x-forwarded-for"u8));
        if (client == connection.Peer)
        {
            return null;
        }

        connection.Peer = client;
        return Gate.Count(connection.Lifetime.Slot, client, connection.Loop);
    }
}
