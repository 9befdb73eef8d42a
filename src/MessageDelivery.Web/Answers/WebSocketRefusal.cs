using Microsoft.AspNetCore.Http;

namespace MessageDelivery.Web.Answers;

/// <summary>What is told to a request for <c>/ws</c> that is no upgrade as the hub takes it: those it takes do not come here.</summary>
internal static class WebSocketRefusal
{
    private const string Version = "13";
    private const string Protocol = "mds.v1";
    private const int KeyBytes = 16;

    public static Route Route { get; } = new("/ws", AnswerAsync);

    private static Task AnswerAsync(HttpExchange exchange)
    {
        var (request, headers) = (exchange.RequestHeaders, exchange.Headers);
        if (HttpMethods.IsHead(exchange.Method))
        {
            headers.Allow = "GET";
            return Answer.TextAsync(exchange, StatusCodes.Status405MethodNotAllowed, "/ws answers GET with an upgrade to WebSocket only");
        }

        if (!Names(request.Upgrade, "websocket"))
        {
            (headers.Upgrade, headers.Connection) = ("websocket", "Upgrade");
            return Answer.TextAsync(exchange, StatusCodes.Status426UpgradeRequired, "/ws is for WebSocket (RFC 6455): Upgrade: websocket is missing");
        }

        if (request.SecWebSocketVersion != Version)
        {
            headers.SecWebSocketVersion = Version;
            return Answer.TextAsync(exchange, StatusCodes.Status426UpgradeRequired, $"Sec-WebSocket-Version must be {Version}");
        }

        if (request.Origin.Any(origin => !exchange.Connection.Policy.AllowsOrigin(origin ?? "", exchange.Host)))
        {
            return Answer.LastTextAsync(
                exchange, StatusCodes.Status403Forbidden, "pages of this Origin may not connect: it must name the host and port of the Host header, or be one of --allow-origin");
        }

        return Answer.LastTextAsync(exchange, StatusCodes.Status400BadRequest, What(request));
    }

    private static string What(IHeaderDictionary request) =>
        !Names(request.Connection, "Upgrade") ? "Connection must have Upgrade in it"
        : request.SecWebSocketKey is not [{ } key] || !IsKey(key) ? $"there must be one Sec-WebSocket-Key, {KeyBytes} bytes in base64"
        : request.SecWebSocketProtocol.Count > 0 && !Names(request.SecWebSocketProtocol, Protocol) ? $"of the subprotocols that are offered, none is {Protocol}"
        : "the upgrade is not as it must be: GET, HTTP/1.1, one Host, no body, no folded line";

    private static bool Names(Microsoft.Extensions.Primitives.StringValues values, string token) =>
        values.Any(value => value?.Split(',').Any(part => part.AsSpan().Trim().Equals(token, StringComparison.OrdinalIgnoreCase)) == true);

    private static bool IsKey(string key)
    {
        Span<byte> bytes = stackalloc byte[KeyBytes + 1];
        return Convert.TryFromBase64String(key, bytes, out int length) && length == KeyBytes;
    }
}
