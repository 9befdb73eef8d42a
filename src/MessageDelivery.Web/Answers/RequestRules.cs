using Microsoft.AspNetCore.Http;

namespace MessageDelivery.Web.Answers;

/// <summary>What every request must be, whatever it asks for; Kestrel has seen to its form.</summary>
internal static class RequestRules
{
    /// <summary>Null, or what is wrong with it. All but the last are about requests whose end might be seen elsewhere by others: their connection ends.</summary>
    public static (int Status, string Why)? Objection(HttpExchange exchange)
    {
        var headers = exchange.RequestHeaders;

        // Where both are told Kestrel goes by this one, as it must, and takes the other away: a proxy in front may have gone by the other.
        if (headers.TransferEncoding.Count > 0)
        {
            return (StatusCodes.Status400BadRequest, "a request with Transfer-Encoding is not taken: nothing here has a use for a body");
        }

        if (headers.ContentLength > 0)
        {
            return (StatusCodes.Status413PayloadTooLarge, $"the body has {headers.ContentLength} bytes; the most is 0: nothing here has a use for one");
        }

        if (exchange.Host.Length == 0)
        {
            return (StatusCodes.Status400BadRequest, "there is no Host header");
        }

        return exchange.Connection.Policy.AllowsHost(exchange.Host)
            ? null
            : (StatusCodes.Status421MisdirectedRequest, "the Host header names another host than this hub: an address, localhost, a name of its certificate or of --allow-host will do");
    }
}
