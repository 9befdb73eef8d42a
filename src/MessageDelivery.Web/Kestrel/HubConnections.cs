using System.Net;
using System.Threading.Channels;
using MessageDelivery.Hub;
using Microsoft.AspNetCore.Connections;

namespace MessageDelivery.Web.Kestrel;

/// <summary>Where Kestrel listens: at the hub, which gives it connections.</summary>
internal sealed class HubEndPoint : EndPoint
{
    public static HubEndPoint Instance { get; } = new();

    public override string ToString() => "the hub's connections";
}

/// <summary>A transport of Kestrel whose connections are those that the hub gives away.</summary>
internal sealed class HubConnections(ChannelReader<HttpConnection> connections) : IConnectionListenerFactory, IConnectionListener
{
    private readonly CancellationTokenSource _unbound = new();

    public EndPoint EndPoint => HubEndPoint.Instance;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(this);

    /// <summary>The next connection; null when there will be no more.</summary>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return new HubConnectionContext(await connections.ReadAsync(_unbound.Token).ConfigureAwait(false));
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            return null;
        }
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.Cancel();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}
