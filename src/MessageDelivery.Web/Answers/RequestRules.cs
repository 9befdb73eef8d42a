using MessageDelivery.Hub;
using Microsoft.AspNetCore.Http;

namespace MessageDelivery.Web.Answers;

/// <summary>What every request must be, whatever it asks for; Kestrel has seen to its form.</summary>
internal static class RequestRules
{
    /// <summary>Null, or what is wrong with it. All but the last are about requests whose end might be seen elsewhere by others: their connection ends.</summary>
    public static (int Status, string Why)? Objection(HttpRequest request, HttpConnection connection)
    {
        // Where both are told Kestrel goes by this one, as it must, and takes the other away: a proxy in front may have gone by the other.
        if (request.Headers.TransferEncoding.Count > 0)
        {
            return (StatusCodes.Status400BadRequest, "a request with Transfer-Encoding is not taken: nothing here has a use for a body");
        }

        if (request.ContentLength > 0)
        {
            return (StatusCodes.Status413PayloadTooLarge, $"the body has {request.ContentLength} bytes; the most is 0: nothing here has a use for one");
        }

        if (!request.Host.HasValue)
        {
            return (StatusCodes.Status400BadRequest, "there is no Host header");
        }

        return connection.Policy.AllowsHost(request.Host.Value)
            ? null
            : (StatusCodes.Status421MisdirectedRequest, "the Host header names another host than this hub: an address, localhost, a name of its certificate or of --allow-host will do");
    }
}
