using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Web.Answers;

/// <summary>Answers requests: what holds for each of them, and then its route.</summary>
internal sealed class HubWebApplication(RouteTable routes, ILogger logger) : IHttpApplication<HttpExchange>
{
    public HttpExchange CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

    public async Task ProcessRequestAsync(HttpExchange context)
    {
        Answer.Prepare(context);
        if (context.Connection.Closing.IsCancellationRequested)
        {
            context.Headers.Connection = "close";
        }

        try
        {
            await AnswerAsync(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for it any more.
            context.Abort();
        }
        catch (Exception exception)
        {
            logger.AnswerFailed(context.Path, exception);
            if (context.HasStarted)
            {
                context.Abort();
                return;
            }

            await Answer.LastTextAsync(context, StatusCodes.Status500InternalServerError, "a defect in the hub; its log has more").ConfigureAwait(false);
        }
    }

    public void DisposeContext(HttpExchange context, Exception? exception)
    {
    }

    private Task AnswerAsync(HttpExchange exchange)
    {
        if (RequestRules.Objection(exchange) is var (status, why))
        {
            return Answer.LastTextAsync(exchange, status, why);
        }

        if (routes.Find(exchange.Path) is not { } route)
        {
            return Answer.TextAsync(exchange, StatusCodes.Status404NotFound, "there is nothing here; / says what there is");
        }

        if (!route.Methods.Contains(exchange.Method))
        {
            exchange.Headers.Allow = string.Join(", ", route.Methods);
            return Answer.TextAsync(exchange, StatusCodes.Status405MethodNotAllowed, $"{route.Path} answers {string.Join(" and ", route.Methods)} only");
        }

        return route.Answer(exchange);
    }
}
