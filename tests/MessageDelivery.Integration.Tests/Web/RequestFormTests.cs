using System.Text;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>Requests whose end others might see elsewhere, and those that want too much.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class RequestFormTests
{
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

    public static TheoryData<string, int, string> Bad => new()
    {
        { "two lengths that differ", 400, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello" },
        { "a length and chunks", 400, $"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{Smuggled}" },
        { "chunks and a length", 400, $"GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{Smuggled}" },
        { "an encoding that is none", 400, $"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{Smuggled}" },
        { "two encodings", 400, $"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{Smuggled}" },
        { "chunks", 400, $"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{Smuggled}" },
        { "a length that is no number", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5x\r\n\r\nhello" },
        { "a length with a sign", 413, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nhello" },
        { "a length below zero", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\nhello" },
        { "a body", 413, $"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {Smuggled.Length}\r\n\r\n{Smuggled}" },
        { "a body that does not come", 413, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n" },
        { "a folded line", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nX-One: a\r\n b\r\n\r\n" },
        { "a folded first line", 400, "GET / HTTP/1.1\r\n Host: localhost\r\n\r\n" },
        { "a space before the colon", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\nhello" },
        { "a line feed alone behind the request line", 400, "GET / HTTP/1.1\nHost: localhost\r\n\r\n" },
        { "a line feed alone behind a header", 400, "GET / HTTP/1.1\r\nHost: localhost\nX-One: a\r\n\r\n" },
        { "a carriage return in a value", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nX-One: a\rb\r\n\r\n" },
        { "a NUL in a value", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nX-One: a\0b\r\n\r\n" },
        { "no Host", 400, "GET / HTTP/1.1\r\n\r\n" },
        { "no Host in HTTP/1.0", 400, "GET / HTTP/1.0\r\n\r\n" },
        { "two Hosts", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n" },
        { "another Host than in the request line", 400, "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n" },
        { "a header without a name", 400, "GET / HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n" },
        { "a header without a colon", 400, "GET / HTTP/1.1\r\nHost: localhost\r\nX-One\r\n\r\n" },
        { "a path with a NUL", 400, "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n" },
        { "too many headers", 431, $"GET / HTTP/1.1\r\nHost: localhost\r\n{string.Concat(Enumerable.Range(0, 70).Select(i => $"X-{i}: a\r\n"))}\r\n" },
        { "a long request line", 414, $"GET /{new string('a', 9_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n" },
        { "long headers", 431, $"GET / HTTP/1.1\r\nHost: localhost\r\nX-One: {new string('a', 17_000)}\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task What_cannot_be_is_refused_and_its_connection_ends_with_nothing_behind_it_carried_out(string what, int status, string request)
    {
        Assert.NotEmpty(what);
        await using var hub = await HubProcess.StartAsync();
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
        await connection.SendAsync(request);
        Assert.Equal(status, (await connection.ReceiveAsync()).Status);
        await connection.ExpectEndAsync();

        // As a later one on its connection, too.
        await using var second = await RawHttp.ConnectAsync(hub.Endpoint);
        await second.SendAsync(RawHttp.Get("/healthz") + request);
        Assert.Equal(200, (await second.ReceiveAsync()).Status);
        Assert.Equal(status, (await second.ReceiveAsync()).Status);
        await second.ExpectEndAsync();
    }

    [Fact]
    public async Task Requests_behind_one_another_are_answered_in_their_order_on_one_connection()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
        string[] paths = ["/healthz", "/", "/nowhere", "/metrics", "/readyz"];
        var all = new StringBuilder();
        for (int i = 0; i < 100; i++)
        {
            all.Append(RawHttp.Get(paths[i % paths.Length]));
        }

        await connection.SendAsync(all.ToString());
        for (int i = 0; i < 100; i++)
        {
            var reply = await connection.ReceiveAsync();
            Assert.Equal(paths[i % paths.Length] == "/nowhere" ? 404 : 200, reply.Status);
            Assert.StartsWith(
                paths[i % paths.Length] switch { "/" => "<!DOCTYPE html>", "/metrics" => "# HELP ", "/nowhere" => "there is nothing here", _ => "ok" }, reply.Body, StringComparison.Ordinal);
        }

        await connection.SendAsync(RawHttp.Get("/healthz", "Connection: close"));
        Assert.Equal(("close", 200), (await connection.ReceiveAsync() is var last ? last.Header("Connection") : "", last.Status));
        await connection.ExpectEndAsync();
    }

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_answered_like_any_other()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
        for (int i = 0; i < 2; i++)
        {
            foreach (char character in RawHttp.Get("/healthz"))
            {
                await connection.SendAsync(character.ToString());
            }

            Assert.Equal(200, (await connection.ReceiveAsync()).Status);
        }
    }

    [Fact]
    public async Task In_TLS_all_is_as_without()
    {
        await using var hub = await HubProcess.StartAsync("--dev-tls");
        var tls = RawClient.WireConnection.TrustAnybody("localhost");
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint, tls);
        await connection.SendAsync(RawHttp.Get("/healthz") + RawHttp.Get("/metrics"));
        Assert.Equal(200, (await connection.ReceiveAsync()).Status);
        Assert.Contains("mds_tls_handshakes_total{kind=\"full\"} 1\n", (await connection.ReceiveAsync()).Body, StringComparison.Ordinal);

        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = static (_, _, _, _) => true };
        using var client = new HttpClient(handler) { BaseAddress = new($"https://{hub.Endpoint}/") };
        Assert.Equal("ok\n", await client.GetStringAsync("readyz"));
        Assert.Equal("ok\n", await client.GetStringAsync("healthz"));

        // Nothing of the text protocol is taken for it, and the other way round.
        await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoint)).IdentifyAsync();
        await alice.SendAsync("echo GET / HTTP/1.1\n");
        await alice.ExpectLinesAsync("GET / HTTP/1.1");
    }
}
