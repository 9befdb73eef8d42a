using MessageDelivery.Web.Answers;
using Microsoft.AspNetCore.Http;

namespace MessageDelivery.Web.Pages;

/// <summary>A file that is part of the program. Who has it already is told that it has not changed.</summary>
/// <param name="Path">Where it is served.</param>
/// <param name="ETag">A hash of it, in quotes.</param>
/// <param name="Policy">Its Content-Security-Policy.</param>
internal sealed record PageFile(string Path, string ContentType, byte[] Bytes, string ETag, string Policy)
{
    public Route Route => new(Path, AnswerAsync);

    private Task AnswerAsync(HttpExchange exchange)
    {
        var headers = exchange.Headers;
        headers.ETag = ETag;
        headers.ContentSecurityPolicy = Policy;
        headers.CacheControl = "no-cache";
        if (exchange.RequestHeaders.IfNoneMatch.Any(tags => tags?.Split(',').Any(tag => tag.Trim() is var one && (one == "*" || one == ETag || one == $"W/{ETag}")) == true))
        {
            exchange.Status = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        return Answer.BytesAsync(exchange, ContentType, Bytes);
    }
}
