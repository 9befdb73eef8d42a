using Microsoft.AspNetCore.Http;

namespace MessageDelivery.Web.Answers;

/// <summary>
/// What is told to a request for <c>/ws</c> that comes here: one with another method than GET, or a later one on a connection. The first one on a connection is the hub's own
/// business, whatever is wrong with it.
/// </summary>
internal static class WebSocketRefusal
{
    public static Route Route { get; } = new("/ws", AnswerAsync) { Methods = ["GET"] };

    private static Task AnswerAsync(HttpExchange exchange)
    {
        if (!exchange.RequestHeaders.Upgrade.Any(static value => value?.Contains("websocket", StringComparison.OrdinalIgnoreCase) == true))
        {
            exchange.Headers.Upgrade = "websocket";
            exchange.Headers.SecWebSocketVersion = "13";
            return Answer.LastTextAsync(exchange, StatusCodes.Status426UpgradeRequired, "/ws is for WebSocket: Upgrade: websocket is missing");
        }

        return Answer.LastTextAsync(exchange, StatusCodes.Status400BadRequest, "a WebSocket has a connection of its own: its upgrade must be the first request");
    }
}
