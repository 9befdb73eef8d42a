using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-27 (GHSA-p957-7v2w-g93g): a request for MQTT over WebSocket reached the part of the server that speaks it, which was
/// not there because nobody had turned it on, and the process ended. Here: requests for protocols that the hub does not offer.
/// </summary>
public sealed class GhsaP957UnofferedProtocolTests
{
    public static TheoryData<string> Requests => new(
        Http("GET /mqtt", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: mqtt"),
        Http("GET /", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
        Http("GET /", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
        Http("CONNECT 127.0.0.1:22"),
        Http("TRACE /", "Max-Forwards: 0"),
        Http("OPTIONS *"),
        Http("POST /", "Transfer-Encoding: chunked", "Content-Length: 3") + "0\r\n\r\nrelay 1 SMUGGLED\n",
        "GET \r\n\r\n",
        "GET  HTTP/9.9\r\n\r\n");

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_for_what_is_not_offered_is_refused_in_its_own_words(string request)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await using RawConnection browser = await hub.ConnectAsync();

        await browser.SendAsync(request);

        Assert.Matches("^HTTP/1\\.[01] [45][0-9][0-9] ", await browser.LineAsync());
        await browser.ReadToEndAsync();
        await healthy.AssertNothingCameAsync();
        await healthy.AssertServedAsync();
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("CONNECT {\"verbose\":false}\r\nPING\r\n")]
    [InlineData("*1\r\n$4\r\nPING\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n")]
    [InlineData("\u0010\u0012\0\u0004MQTT\u0004\u0002\0<\0\u0006client\n")]
    [InlineData("AMQP\0\0\u0009\u0001\n")]
    public async Task The_first_words_of_other_protocols_harm_nobody(string words)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await using RawConnection stranger = await hub.ConnectAsync();

        await stranger.SendAsync(words);

        Assert.NotEmpty(await stranger.LineAsync());
        await healthy.AssertNothingCameAsync();
        await healthy.AssertServedAsync();
    }

    private static string Http(string request, params string[] headers) =>
        $"{request} HTTP/1.1\r\nHost: hub\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n";
}
