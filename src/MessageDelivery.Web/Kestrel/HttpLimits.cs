using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MessageDelivery.Web.Kestrel;

/// <summary>What one connection of HTTP may cost. How many there may be is the hub's to say. docs/operations.md has them.</summary>
internal static class HttpLimits
{
    /// <summary>As of a WebSocket's upgrade, which the hub reads itself.</summary>
    private const int MaxHeaderBytes = 16 << 10;

    private const int MaxLineBytes = 8 << 10;
    private const int MaxHeaders = 64;
    private const int MaxResponseBytes = 64 << 10;

    /// <summary>Bytes that have to pass in a second, on average, of what a peer sends or takes.</summary>
    private const double MinBytesPerSecond = 240;

    /// <summary>For a whole header, once it has begun: as the hub's --handshake-timeout by default.</summary>
    private static readonly TimeSpan HeaderTimeout = TimeSpan.FromSeconds(10);

    /// <summary>More than the minute that those who scrape seldom leave between two requests.</summary>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan SlowGrace = TimeSpan.FromSeconds(5);

    public static void Apply(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.AllowSynchronousIO = false;
        var limits = options.Limits;
        limits.MaxRequestLineSize = MaxLineBytes;
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.MaxRequestHeaderCount = MaxHeaders;

        // No answer needs one; RequestRules says so.
        limits.MaxRequestBodySize = 0;
        limits.MaxRequestBufferSize = MaxHeaderBytes + MaxLineBytes;
        limits.MaxResponseBufferSize = MaxResponseBytes;
        limits.RequestHeadersTimeout = HeaderTimeout;
        limits.KeepAliveTimeout = IdleTimeout;
        limits.MinRequestBodyDataRate = new(MinBytesPerSecond, SlowGrace);
        limits.MinResponseDataRate = new(MinBytesPerSecond, SlowGrace);
        limits.MaxConcurrentUpgradedConnections = 0;
    }
}
