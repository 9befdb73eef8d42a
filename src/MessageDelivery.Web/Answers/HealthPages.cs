using MessageDelivery.Hub;
using Microsoft.AspNetCore.Http;

namespace MessageDelivery.Web.Answers;

/// <summary><c>/healthz</c>, for who restarts a hub, and <c>/readyz</c>, for who sends users to it. They tell no more than that.</summary>
internal sealed class HealthPages(Func<MessageHub> hub)
{
    public IEnumerable<Route> Routes => [new("/healthz", HealthAsync), new("/readyz", ReadyAsync)];

    private Task HealthAsync(HttpExchange exchange) => hub().Health.LoopsTurn
        ? Answer.TextAsync(exchange, StatusCodes.Status200OK, "ok")
        : Answer.TextAsync(exchange, StatusCodes.Status503ServiceUnavailable, "a thread of the hub hangs");

    private Task ReadyAsync(HttpExchange exchange)
    {
        var health = hub().Health;
        return health switch
        {
            { LoopsTurn: false } => HealthAsync(exchange),
            { IsDraining: true } => Answer.TextAsync(exchange, StatusCodes.Status503ServiceUnavailable, "the hub is stopping"),
            { IsAccepting: false } => Answer.TextAsync(exchange, StatusCodes.Status503ServiceUnavailable, "the hub has no memory for newcomers"),
            _ => Answer.TextAsync(exchange, StatusCodes.Status200OK, "ok"),
        };
    }
}
