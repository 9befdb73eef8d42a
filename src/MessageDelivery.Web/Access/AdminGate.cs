using System.Net;
using System.Text;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Web.Answers;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Web.Access;

/// <summary>Who may see what is for administrators. A refusal costs its connection, so that the limits of connections hold for guessing, too.</summary>
internal sealed class AdminGate(Func<MessageHub> hub, IAuthenticator? admins, ILogger logger, TimeProvider time)
{
    private const string Scheme = "Bearer ";
    private const string Challenge = "Bearer realm=\"mds\"";
    private const string InvalidToken = Challenge + ", error=\"invalid_token\"";
    private const int MaxTokenBytes = 8_192;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private IAuthenticator? _admins = admins;
    private long _refused;
    private long _quietSince;
    private bool _hasSpoken;

    /// <summary>Verifies their tokens; null: nobody has one. Any thread.</summary>
    public IAuthenticator? Admins
    {
        get => Volatile.Read(ref _admins);
        set => Volatile.Write(ref _admins, value);
    }

    /// <summary>A route that is for administrators.</summary>
    public Route Guard(Route route) => route with { Answer = exchange => AnswerAsync(exchange, route) };

    private async Task AnswerAsync(HttpExchange exchange, Route route)
    {
        string? refusal = await RefusalAsync(exchange).ConfigureAwait(false);
        await (refusal is null ? route.Answer(exchange) : RefuseAsync(exchange, refusal)).ConfigureAwait(false);
    }

    /// <summary>Null for an administrator; else why not.</summary>
    private async ValueTask<string?> RefusalAsync(HttpExchange exchange)
    {
        var authenticator = Admins;
        var shown = exchange.RequestHeaders.Authorization;
        if (authenticator is null || shown.Count == 0)
        {
            return IsLocal(exchange) ? null
                : authenticator is null ? "there is no administrator's token: --admin-token-file names the file of 'mds token admin'"
                : "an administrator's token is needed: Authorization: Bearer TOKEN";
        }

        if (shown is not [{ } header] || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || header[Scheme.Length..].Trim() is not { Length: > 0 and <= MaxTokenBytes } token)
        {
            return "the Authorization header is not as it must be: Bearer TOKEN, once";
        }

        var result = await authenticator.AuthenticateAsync(
            Encoding.UTF8.GetBytes(token), new(Peer(exchange), CertificateSubject: null), exchange.Aborted).ConfigureAwait(false);
        return result.Identity switch
        {
            null => result.Description,
            { IsAdmin: false } => "the token is a user's, and no administrator's",
            _ => null,
        };
    }

    private Task RefuseAsync(HttpExchange exchange, string why)
    {
        var peer = exchange.Connection;
        var client = peer.Policy.ClientAddress(peer.RemoteEndPoint.Address, exchange.RequestHeaders["X-Forwarded-For"].Select(static value => value ?? ""));
        Tell(client, exchange.Path, why);
        if (Admins is null)
        {
            return Answer.LastTextAsync(exchange, StatusCodes.Status403Forbidden, why);
        }

        exchange.Headers.WWWAuthenticate = exchange.RequestHeaders.Authorization.Count > 0 ? InvalidToken : Challenge;
        return Answer.LastTextAsync(exchange, StatusCodes.Status401Unauthorized, why);
    }

    /// <summary>
    /// Whether only this machine can have asked: a proxy here would be on loopback as well, so that none may be known of, and none may have left a trace.
    /// </summary>
    private bool IsLocal(HttpExchange exchange)
    {
        var connection = exchange.Connection;
        var headers = exchange.RequestHeaders;
        return !connection.Policy.HasTrustedProxies
            // A connection from within the process has no port: the program may have it from anywhere.
            && connection.RemoteEndPoint.Port != 0
            && IPAddress.IsLoopback(connection.RemoteEndPoint.Address)
            && hub().Endpoints is { Count: > 0 } endpoints && endpoints.All(static endpoint => IPAddress.IsLoopback(endpoint.Address))
            && headers["Forwarded"].Count == 0 && headers["X-Forwarded-For"].Count == 0 && headers.Via.Count == 0;
    }

    private static IPEndPoint Peer(HttpExchange exchange) => exchange.Connection.RemoteEndPoint;

    /// <summary>Once a second at most, with how many there were.</summary>
    private void Tell(IPAddress client, string path, string why)
    {
        long refused;
        lock (_lock)
        {
            _refused++;
            if (_hasSpoken && time.GetElapsedTime(_quietSince) < Quiet)
            {
                return;
            }

            (refused, _refused, _quietSince, _hasSpoken) = (_refused, 0, time.GetTimestamp(), true);
        }

        logger.AdminRefused(client.ToString(), path, why, refused);
    }
}
