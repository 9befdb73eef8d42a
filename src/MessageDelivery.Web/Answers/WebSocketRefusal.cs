using MessageDelivery.Hub;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MessageDelivery.Web.Answers;

/// <summary>What is told to a request for <c>/ws</c> that is no upgrade as the hub takes it: those it takes do not come here.</summary>
internal static class WebSocketRefusal
{
    private const string Version = "13";
    private const string Protocol = "mds.v1";
    private const int KeyBytes = 16;

    public static Route Route { get; } = new("/ws", AnswerAsync);

    private static Task AnswerAsync(HttpContext context)
    {
        var (request, headers) = (context.Request, context.Response.Headers);
        if (HttpMethods.IsHead(request.Method))
        {
            headers.Allow = "GET";
            return Answer.TextAsync(context, StatusCodes.Status405MethodNotAllowed, "/ws answers GET with an upgrade to WebSocket only");
        }

        if (!Names(request.Headers.Upgrade, "websocket"))
        {
            (headers.Upgrade, headers.Connection) = ("websocket", "Upgrade");
            return Answer.TextAsync(context, StatusCodes.Status426UpgradeRequired, "/ws is for WebSocket (RFC 6455): Upgrade: websocket is missing");
        }

        if (request.Headers.SecWebSocketVersion != Version)
        {
            headers.SecWebSocketVersion = Version;
            return Answer.TextAsync(context, StatusCodes.Status426UpgradeRequired, $"Sec-WebSocket-Version must be {Version}");
        }

        var policy = context.Features.GetRequiredFeature<HttpConnection>().Policy;
        if (request.Headers.Origin.Any(origin => !policy.AllowsOrigin(origin ?? "", request.Host.Value ?? "")))
        {
            return Answer.LastTextAsync(
                context, StatusCodes.Status403Forbidden, "pages of this Origin may not connect: it must name the host and port of the Host header, or be one of --allow-origin");
        }

        return Answer.LastTextAsync(context, StatusCodes.Status400BadRequest, What(request));
    }

    private static string What(HttpRequest request) =>
        !Names(request.Headers.Connection, "Upgrade") ? "Connection must have Upgrade in it"
        : request.Headers.SecWebSocketKey is not [{ } key] || !IsKey(key) ? $"there must be one Sec-WebSocket-Key, {KeyBytes} bytes in base64"
        : request.Headers.SecWebSocketProtocol.Count > 0 && !Names(request.Headers.SecWebSocketProtocol, Protocol) ? $"of the subprotocols that are offered, none is {Protocol}"
        : "the upgrade is not as it must be: GET, HTTP/1.1, one Host, no body, no folded line";

    private static bool Names(Microsoft.Extensions.Primitives.StringValues values, string token) =>
        values.Any(value => value?.Split(',').Any(part => part.AsSpan().Trim().Equals(token, StringComparison.OrdinalIgnoreCase)) == true);

    private static bool IsKey(string key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytes + 1];
        return Convert.TryFromBase64String(key, bytes, out int length) && length == KeyBytes;
    }
}
