using MessageDelivery.Hub;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MessageDelivery.Web.Answers;

/// <summary>
/// A request and its answer, as Kestrel has them. <see cref="HttpContext"/> has much around these that nothing here asks for; docs/adr/0027 has what it weighs.
/// </summary>
internal sealed class HttpExchange(IFeatureCollection features)
{
    private readonly IHttpRequestFeature _request = features.GetRequiredFeature<IHttpRequestFeature>();
    private readonly IHttpResponseFeature _response = features.GetRequiredFeature<IHttpResponseFeature>();

    public HttpConnection Connection { get; } = features.GetRequiredFeature<HttpConnection>();

    public string Method => _request.Method;

    /// <summary>The path, decoded.</summary>
    public string Path => _request.Path;

    public IHeaderDictionary RequestHeaders => _request.Headers;

    /// <summary>The Host header; empty if there is none.</summary>
    public string Host => _request.Headers.Host.ToString();

    public IHeaderDictionary Headers => _response.Headers;

    public int Status
    {
        get => _response.StatusCode;
        set => _response.StatusCode = value;
    }

    public bool HasStarted => _response.HasStarted;

    /// <summary>Cancelled when nobody waits for the answer any more.</summary>
    public CancellationToken Aborted => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;

    public Task WriteAsync(ReadOnlyMemory<byte> body) => features.GetRequiredFeature<IHttpResponseBodyFeature>().Stream.WriteAsync(body, Aborted).AsTask();

    /// <summary>Ends the connection without an answer, or in the middle of it.</summary>
    public void Abort() => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();
}
