using MessageDelivery.Hub;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Web.Answers;

/// <summary>Answers requests: what holds for each of them, and then its route.</summary>
internal sealed class HubWebApplication(RouteTable routes, ILogger logger) : IHttpApplication<HttpContext>
{
    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public async Task ProcessRequestAsync(HttpContext context)
    {
        var connection = context.Features.GetRequiredFeature<HttpConnection>();
        Answer.Prepare(context.Response);
        if (connection.Closing.IsCancellationRequested)
        {
            context.Response.Headers.Connection = "close";
        }

        try
        {
            await AnswerAsync(context, connection).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for it any more.
            context.Abort();
        }
        catch (Exception exception)
        {
            logger.AnswerFailed(context.Request.Path.Value ?? "", exception);
            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            await Answer.LastTextAsync(context, StatusCodes.Status500InternalServerError, "a defect in the hub; its log has more").ConfigureAwait(false);
        }
    }

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    private Task AnswerAsync(HttpContext context, HttpConnection connection)
    {
        var request = context.Request;
        if (RequestRules.Objection(request, connection) is var (status, why))
        {
            return Answer.LastTextAsync(context, status, why);
        }

        if (routes.Find(request.Path.Value ?? "") is not { } route)
        {
            return Answer.TextAsync(context, StatusCodes.Status404NotFound, "there is nothing here; / says what there is");
        }

        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return Answer.TextAsync(context, StatusCodes.Status405MethodNotAllowed, $"{request.Path} answers GET and HEAD only");
        }

        return route.Answer(context);
    }
}
