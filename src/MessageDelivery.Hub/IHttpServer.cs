namespace MessageDelivery.Hub;

/// <summary>Serves connections of a hub's port on which HTTP is spoken.</summary>
public interface IHttpServer
{
    /// <summary>
    /// Takes over a connection, whose first request's header has come. Called on a thread of the hub, which nobody else has meanwhile: it neither
    /// blocks nor throws.
    /// </summary>
    /// <param name="connection">The callee's, to dispose of.</param>
    void Serve(HttpConnection connection);
}
