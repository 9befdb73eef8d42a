using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>What is at which path, and the headers of all answers.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class PageTests
{
    [Fact]
    public async Task The_page_says_what_this_is_and_all_that_it_leads_to_is_there()
    {
        await using var hub = await HubProcess.StartAsync();
        var page = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/"));
        Assert.Equal((200, "text/html; charset=utf-8"), (page.Status, page.Header("Content-Type")));
        Assert.Contains("<h1>Message delivery hub</h1>", page.Body, StringComparison.Ordinal);
        string[] links = [.. Regex.Matches(page.Body, "href=\"([^\"]+)\"").Select(match => match.Groups[1].Value).Where(link => link != "data:,")];
        Assert.Equal(["/healthz", "/readyz", "/metrics"], links);
        foreach (string link in links)
        {
            Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get(link))).Status);
        }
    }

    [Fact]
    public async Task The_page_loads_nothing_from_elsewhere_and_its_policy_lets_only_what_stands_in_it()
    {
        await using var hub = await HubProcess.StartAsync();
        var page = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/"));
        Assert.DoesNotMatch("(src|href)=\"(http|//)|@import|url\\(", page.Body);
        string policy = page.Header("Content-Security-Policy");
        string style = Regex.Match(page.Body, "<style>(.*?)</style>", RegexOptions.Singleline).Groups[1].Value;
        Assert.Contains($"style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(style)))}';", policy, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("script-src 'none'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<p>x</p>", "style-src 'none'; script-src 'none'; connect-src 'none'")]
    [InlineData("<script type=\"module\">a</script>", "script-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='; connect-src 'self'")]
    [InlineData("<script type=\"module\">import { b } from \"./b.js\";</script>", "' 'self'; connect-src 'self'")]
    [InlineData("<script src=\"/b.js\"></script>", "script-src 'self'; connect-src 'self'")]
    [InlineData("<link rel=\"stylesheet\" href=\"/b.css\">", "style-src 'self'; script-src 'none'")]
    public void A_page_may_do_what_stands_in_it(string page, string policy) =>
        Assert.Contains(policy, MessageDelivery.Web.Pages.PageFiles.Policy(page), StringComparison.Ordinal);

    [Fact]
    public async Task Who_has_the_page_is_told_that_it_has_not_changed()
    {
        await using var hub = await HubProcess.StartAsync();
        string tag = (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/"))).Header("ETag");
        var again = await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/", $"If-None-Match: \"other\", {tag}"));
        Assert.Equal((304, tag), (again.Status, again.Header("ETag")));
        Assert.Equal(200, (await RawHttp.AskAsync(hub.Endpoint, RawHttp.Get("/", "If-None-Match: \"other\""))).Status);
    }

    [Theory]
    [InlineData("GET", "/", 200)]
    [InlineData("HEAD", "/", 200)]
    [InlineData("GET", "/healthz", 200)]
    [InlineData("HEAD", "/healthz", 200)]
    [InlineData("GET", "/readyz", 200)]
    [InlineData("GET", "/metrics", 200)]
    [InlineData("HEAD", "/metrics", 200)]
    [InlineData("GET", "/healthz?full=1", 200)]
    [InlineData("GET", "/nowhere", 404)]
    [InlineData("GET", "/healthz/", 404)]
    [InlineData("GET", "/HEALTHZ", 404)]
    [InlineData("GET", "/index.html", 404)]
    [InlineData("GET", "/../etc/passwd", 404)]
    [InlineData("GET", "/%2e%2e/etc/passwd", 404)]
    [InlineData("POST", "/", 405)]
    [InlineData("DELETE", "/metrics", 405)]
    [InlineData("OPTIONS", "/healthz", 405)]
    [InlineData("POST", "/ws", 405)]
    [InlineData("HEAD", "/ws", 405)]
    public async Task Each_path_and_method_has_its_answer_with_the_headers_of_all(string method, string path, int status)
    {
        await using var hub = await HubProcess.StartAsync();
        var reply = await RawHttp.AskAsync(hub.Endpoint, $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        Assert.Equal(status, reply.Status);
        Assert.Equal("nosniff", reply.Header("X-Content-Type-Options"));
        Assert.Equal("DENY", reply.Header("X-Frame-Options"));
        Assert.Equal("no-referrer", reply.Header("Referrer-Policy"));
        Assert.Equal("same-origin", reply.Header("Cross-Origin-Resource-Policy"));
        Assert.Contains("default-src 'none'", reply.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.False(reply.Has("Server"));
        Assert.Equal(path == "/" && status == 200 ? "no-cache" : "no-store", reply.Header("Cache-Control"));
        Assert.Equal(status == 405, reply.Has("Allow"));
        Assert.Equal(method == "HEAD", reply.Body.Length == 0);
        Assert.NotEqual("0", reply.Header("Content-Length"));
    }

    [Fact]
    public async Task An_upgrade_that_comes_later_on_its_connection_is_refused_with_the_reason()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var connection = await RawHttp.ConnectAsync(hub.Endpoint);
        await connection.SendAsync(RawHttp.Get("/healthz"));
        Assert.Equal(200, (await connection.ReceiveAsync()).Status);
        await connection.SendAsync(RawHttp.Get("/ws", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="));
        var reply = await connection.ReceiveAsync();
        Assert.Equal((400, "a WebSocket has a connection of its own: its upgrade must be the first request\n"), (reply.Status, reply.Body));
        await connection.ExpectEndAsync();

        await using var other = await RawHttp.ConnectAsync(hub.Endpoint);
        await other.SendAsync(RawHttp.Get("/healthz") + RawHttp.Get("/ws"));
        await other.ReceiveAsync();
        reply = await other.ReceiveAsync();
        Assert.Equal((426, "websocket", "13"), (reply.Status, reply.Header("Upgrade"), reply.Header("Sec-WebSocket-Version")));
    }

    [Theory]
    [InlineData("localhost", 200)]
    [InlineData("127.0.0.1:8888", 200)]
    [InlineData("[::1]:8888", 200)]
    [InlineData("hub.example.org", 200)]
    [InlineData("HUB.example.org:443", 200)]
    [InlineData("evil.example.org", 421)]
    [InlineData("hub.example.org.evil.example.org", 421)]
    public async Task The_hub_is_asked_for_by_its_own_names_only(string host, int status)
    {
        await using var hub = await HubProcess.StartAsync("--allow-host", "hub.example.org", "--metrics", "open");
        foreach (string path in (string[])["/", "/healthz", "/metrics", "/nowhere"])
        {
            var reply = await RawHttp.AskAsync(hub.Endpoint, $"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            Assert.Equal(status == 200 && path == "/nowhere" ? 404 : status, reply.Status);
            if (status == 421)
            {
                Assert.Contains("--allow-host", reply.Body, StringComparison.Ordinal);
            }
        }
    }
}
