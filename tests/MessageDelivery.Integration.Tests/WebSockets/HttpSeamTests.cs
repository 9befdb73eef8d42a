using System.Net;
using System.Security.Cryptography;
using System.Text;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.WebSockets;

/// <summary>Connections on which HTTP is spoken go to the embedder's server with all their bytes, and stay connections of the hub.</summary>
public sealed class HttpSeamTests
{
    private const string Request = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_server_gets_all_bytes_from_the_first_one_on(bool isSecured)
    {
        const string Sent = "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello" + Request;
        var seen = new TaskCompletionSource<(HttpConnection Connection, string Bytes)>();
        await using var server = new TestHttpServer(async connection =>
        {
            byte[] bytes = new byte[Sent.Length];
            await connection.Stream.ReadExactlyAsync(bytes);
            seen.SetResult((connection, Encoding.ASCII.GetString(bytes)));
            await connection.Stream.WriteAsync("bye"u8.ToArray());
        });
        using var certificate = TestCertificates.Issue(TestCertificates.Authority, "CN=hub", isServer: true, name: "chat.example");
        var tls = TestCertificates.Tls() with { Certificates = TestCertificates.ForHub(certificate) };
        await using var hub = await StartAsync(server, o => isSecured ? o with { Tls = tls } : o);
        await using var browser = await hub.ConnectAsync();
        if (isSecured)
        {
            await browser.SecureAsync(TestCertificates.Client());
        }

        await browser.SendAsync(Sent[..10]);
        await hub.SettleAsync();
        await browser.SendAsync(Sent[10..80]);
        await browser.SendAsync(Sent[80..]);
        Assert.Equal("bye"u8.ToArray(), await browser.ReadToEndAsync());
        var (connection, bytes) = await seen.Task;
        Assert.Equal(Sent, bytes);
        Assert.Equal((browser.Local, hub.Endpoint, isSecured), (connection.RemoteEndPoint, connection.LocalEndPoint, connection.IsEncrypted));
        Assert.True(connection.Policy.AllowsHost("localhost"));
        Assert.False(connection.Policy.AllowsHost("evil.example"));
        Assert.Equal(isSecured, connection.Policy.AllowsHost("chat.example:8888"));
    }

    /// <summary>More than either side keeps, in both directions at once.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_side_waits_for_the_other(bool isSecured)
    {
        const int Bytes = 8 << 20;
        await using var server = new TestHttpServer(async connection =>
        {
            byte[] buffer = new byte[10_000];
            int read;
            while ((read = await connection.Stream.ReadAsync(buffer)) > 0)
            {
                await connection.Stream.WriteAsync(buffer.AsMemory(0, read));
            }
        });
        await using var hub = await StartAsync(server, o => isSecured ? o with { Tls = TestCertificates.Tls() } : o);
        await using var browser = await hub.ConnectAsync();
        if (isSecured)
        {
            await browser.SecureAsync(TestCertificates.Client());
        }

        byte[] sent = [.. Encoding.ASCII.GetBytes(Request), .. RandomNumberGenerator.GetBytes(Bytes)];
        var sending = browser.SendAsync(sent, RawConnection.Patience);
        await hub.SettleAsync();
        Assert.InRange(hub.UsedMemoryBytes, 0, 4 << 20);
        await browser.ExpectAsync(sent);
        await sending;
        if (!isSecured)
        {
            browser.HalfClose();
            await browser.ExpectClosedAsync();
        }
    }

    [Fact]
    public async Task A_client_that_takes_nothing_is_cut_off_while_the_server_waits()
    {
        var failed = new TaskCompletionSource();
        await using var server = new TestHttpServer(async connection =>
        {
            byte[] page = new byte[64 << 10];
            try
            {
                while (true)
                {
                    await connection.Stream.WriteAsync(page);
                }
            }
            catch (IOException)
            {
                failed.SetResult();
            }
        });
        await using var hub = await StartAsync(server, o => o with { SendBufferBytes = 16 << 10 });
        await using var browser = await hub.ConnectAsync(receiveBufferBytes: 4_096);
        await browser.SendAsync(Request);
        await hub.AdvanceUntilAsync(failed.Task, Second);
    }

    [Fact]
    public async Task A_half_close_is_an_end_for_the_server_and_it_still_answers()
    {
        await using var server = new TestHttpServer(async connection =>
        {
            using var all = new MemoryStream();
            await connection.Stream.CopyToAsync(all);
            await connection.Stream.WriteAsync(Encoding.ASCII.GetBytes($"{all.Length}"));
        });
        await using var hub = await StartAsync(server);
        await using var browser = await hub.ConnectAsync();
        await browser.SendAsync(Request);
        browser.HalfClose();
        Assert.Equal($"{Request.Length}", Encoding.ASCII.GetString(await browser.ReadToEndAsync()));
    }

    [Fact]
    public async Task The_server_is_told_when_the_connection_is_gone()
    {
        await using var server = TestHttpServer.Holding();
        await using var hub = await StartAsync(server);
        await using var browser = await hub.ConnectAsync();
        await browser.SendAsync(Request);
        Assert.Equal("held", await browser.LineAsync());
        browser.Abort();
        await server.DisposeAsync();
    }

    [Fact]
    public async Task The_server_is_told_when_the_hub_stops_and_what_it_writes_then_still_leaves()
    {
        await using var server = new TestHttpServer(async connection =>
        {
            await TestHttpServer.HeadAsync(connection);
            await connection.Stream.WriteAsync("begun\n"u8.ToArray());
            await Task.Delay(Timeout.Infinite, connection.Closing).ContinueWith(static _ => { }, TaskScheduler.Default);
            await connection.Stream.WriteAsync("ended\n"u8.ToArray());
        });
        await using var hub = await StartAsync(server);
        await using var browser = await hub.ConnectAsync();
        await browser.SendAsync(Request);
        Assert.Equal("begun", await browser.LineAsync());
        var stop = hub.StopAsync();
        Assert.Equal("ended\n"u8.ToArray(), await browser.ReadToEndAsync());
        await browser.DisposeAsync();
        await stop.WaitAsync(RawConnection.Patience);
    }

    [Fact]
    public async Task A_server_that_does_not_end_is_cut_off_after_the_drain_time()
    {
        var mayEnd = new TaskCompletionSource();
        await using var server = new TestHttpServer(async connection =>
        {
            await connection.Stream.WriteAsync("begun\n"u8.ToArray());
            await mayEnd.Task;
        });
        await using var hub = await StartAsync(server, o => o with { DrainTimeout = TimeSpan.FromSeconds(5) });
        await using var browser = await hub.ConnectAsync();
        await browser.SendAsync(Request);
        Assert.Equal("begun", await browser.LineAsync());
        var stop = hub.StopAsync();
        await hub.PassAsync(4 * Second);
        await browser.ExpectNothingAsync();
        await hub.AdvanceUntilAsync(stop, Second);
        await browser.ExpectClosedAsync();
        mayEnd.SetResult();
    }

    [Fact]
    public async Task A_header_that_is_not_whole_in_time_is_answered_408()
    {
        await using var server = TestHttpServer.Saying("never");
        await using var hub = await StartAsync(server, o => o with { Limits = new() { HandshakeTimeout = 3 * Second } });
        await using var slow = await hub.ConnectAsync();
        await slow.SendAsync("GET / HTTP/1.1\r\n");
        for (int i = 0; i < 5; i++)
        {
            await slow.SendAsync("X: y\r\n");
            await hub.PassAsync(0.5 * Second);
        }

        await slow.ExpectNothingAsync();
        await hub.AdvanceUntilAsync(slow.LineAsync().ContinueWith(line => Assert.StartsWith("HTTP/1.1 408 ", line.Result, StringComparison.Ordinal), TaskScheduler.Default), Second);
    }

    [Fact]
    public async Task A_header_beyond_16_KiB_is_answered_431_and_holds_no_more_than_that()
    {
        await using var server = TestHttpServer.Saying("never");
        await using var hub = await StartAsync(server);
        List<RawConnection> many = [];
        for (int i = 0; i < 20; i++)
        {
            many.Add(await hub.ConnectAsync());
            await many[^1].SendAsync("GET / HTTP/1.1\r\nX: " + new string('x', 16_000));
        }

        await hub.SettleAsync();
        Assert.InRange(hub.UsedMemoryBytes, 20 * 16_000, (20 * 16 << 10) + (2 << 20));
        foreach (var connection in many)
        {
            await connection.SendAsync(new string('x', 1_000));
            Assert.StartsWith("HTTP/1.1 431 ", await connection.LineAsync(), StringComparison.Ordinal);
            await connection.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("HELLO")]
    [InlineData("PUT")]
    public async Task Pages_are_asked_for_on_the_port_of_users(string behind)
    {
        await using var server = TestHttpServer.Saying("page");
        await using var hub = await StartAsync(server);
        await using var alice = await hub.BinaryAsync();
        await using var browser = await hub.ConnectAsync();
        await browser.SendAsync($"{Request}{behind}");
        Assert.EndsWith("\r\n\r\npage", Encoding.ASCII.GetString(await browser.ReadToEndAsync()), StringComparison.Ordinal);
        await RunningHub.ExpectListAsync(alice);
    }

    /// <summary>Three browsers behind one proxy, of which two are at one address.</summary>
    [Fact]
    public async Task Who_comes_through_a_trusted_proxy_counts_for_its_own_address()
    {
        var audit = new ListAudit();
        await using var hub = await RunningHub.StartAsync(o => WithProxy(o) with { Audit = audit, Limits = new() { MaxConnectionsPerAddress = 1 } });
        await using var one = await ThroughProxyAsync(hub, "203.0.113.1");
        await using var two = await ThroughProxyAsync(hub, "198.51.100.9, 203.0.113.2");
        await one.HelloAsync();
        await two.HelloAsync();
        await using var again = await ThroughProxyAsync(hub, "203.0.113.1");
        await again.SendAsync(Frames.Hello());
        Assert.Contains("203.0.113.1 has 1 connections", await again.GoodbyeTextAsync(Protocol.ProtocolCode.TooManyConnections), StringComparison.Ordinal);
        await again.ExpectClosedAsync();
        await hub.EventuallyAsync(() => Task.FromResult(audit.Events.Any(happened => happened.Kind == AuditKind.Refused)));
        Assert.Equal(
            ["203.0.113.1", "203.0.113.2", "203.0.113.1"],
            audit.Events.Where(happened => happened.Kind is AuditKind.Joined or AuditKind.Refused).Select(happened => $"{happened.Peer!.Address}"));

        await one.SendAsync(Frames.Goodbye);
        await one.ExpectGoodbyeAsync(Protocol.ProtocolCode.Normal);
        await one.ExpectClosedAsync();
        await using var inItsPlace = await ThroughProxyAsync(hub, "203.0.113.1");
        await inItsPlace.HelloAsync();
    }

    [Fact]
    public async Task The_pace_of_an_address_counts_behind_a_proxy()
    {
        await using var hub = await RunningHub.StartAsync(o => WithProxy(o) with { Limits = new() { ConnectionsPerSecond = 1 } });
        await using var one = await ThroughProxyAsync(hub, "203.0.113.1");
        await one.HelloAsync();
        await using var other = await ThroughProxyAsync(hub, "203.0.113.2");
        await other.HelloAsync();
        await using var tooSoon = await ThroughProxyAsync(hub, "203.0.113.1");
        await tooSoon.SendAsync(Frames.Hello());
        await tooSoon.ExpectGoodbyeAsync(Protocol.ProtocolCode.RateLimited);
    }

    [Fact]
    public async Task Nobody_else_is_believed()
    {
        var audit = new ListAudit();
        await using var hub = await RunningHub.StartAsync(o => o with { Audit = audit, Limits = new() { MaxConnectionsPerAddress = 1 } });
        await using var one = await ThroughProxyAsync(hub, "203.0.113.1");
        await one.HelloAsync();
        await using var two = await ThroughProxyAsync(hub, "203.0.113.2");
        await two.SendAsync(Frames.Hello());
        Assert.Contains("127.0.0.1 has 1 connections", await two.GoodbyeTextAsync(Protocol.ProtocolCode.TooManyConnections), StringComparison.Ordinal);
        Assert.Equal(IPAddress.Loopback, audit.Events[0].Peer!.Address);
    }

    private static MessageHubOptions WithProxy(MessageHubOptions options)
    {
        var http = new HubHttpOptions();
        http.TrustedProxies.Add(IPNetwork.Parse("127.0.0.0/8"));
        return options with { Http = http };
    }

    private static async Task<RawConnection> ThroughProxyAsync(RunningHub hub, string forwardedFor) => await (await hub.ConnectAsync()).UpgradeWithAsync(
        RawClient.WebSocketFrames.Request("localhost")[..^2] + $"X-Forwarded-For: {forwardedFor}\r\n\r\n");

    private static Task<RunningHub> StartAsync(TestHttpServer server, Func<MessageHubOptions, MessageHubOptions>? options = null) =>
        RunningHub.StartAsync(o => (options?.Invoke(o) ?? o) with { Http = new() { Server = server } });
}
