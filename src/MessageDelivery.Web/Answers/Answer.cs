using System.Text;

namespace MessageDelivery.Web.Answers;

/// <summary>Writes answers, each with the headers that all have.</summary>
internal static class Answer
{
    /// <summary>For what is no page: nothing may be loaded, nobody may frame it.</summary>
    private const string NothingAllowed = "default-src 'none'; frame-ancestors 'none'";

    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>The headers of all answers; a page says itself what it may load.</summary>
    public static void Prepare(HttpExchange exchange)
    {
        var headers = exchange.Headers;
        headers.ContentSecurityPolicy = NothingAllowed;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    /// <summary>A line of text.</summary>
    public static Task TextAsync(HttpExchange exchange, int status, string line)
    {
        exchange.Status = status;
        return BytesAsync(exchange, PlainText, Encoding.UTF8.GetBytes(line + "\n"));
    }

    /// <summary>The same, as the last answer of its connection.</summary>
    public static Task LastTextAsync(HttpExchange exchange, int status, string line)
    {
        exchange.Headers.Connection = "close";
        return TextAsync(exchange, status, line);
    }

    public static Task BytesAsync(HttpExchange exchange, string contentType, ReadOnlyMemory<byte> body)
    {
        exchange.Headers.ContentType = contentType;
        exchange.Headers.ContentLength = body.Length;
        return exchange.WriteAsync(body);
    }
}
