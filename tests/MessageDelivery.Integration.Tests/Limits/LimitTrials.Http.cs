using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Limits;

/// <content>Connections of HTTP have a limit of their own, which others neither meet nor fill.</content>
internal static partial class LimitTrials
{
    private static async Task HttpConnectionsAsync(SpokenProtocol spoken)
    {
        await using var server = TestHttpServer.Holding();
        await using var hub = await StartWithHttpAsync(spoken, server);
        var first = await AskAsync(spoken, hub);
        Assert.Equal("held", await first.LineAsync());
        await using var second = await AskAsync(spoken, hub);
        string answer = System.Text.Encoding.UTF8.GetString(await second.ReadToEndAsync());
        Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
        Assert.Contains("too_many_connections: the hub has its 1 connections of HTTP (max-http-connections)", answer, StringComparison.Ordinal);
        await using var user = await spoken.JoinAsync(hub);
        await ExpectServedAsync(spoken, user);

        first.Abort();
        RawConnection? next = null;
        await hub.EventuallyAsync(async () =>
        {
            next = await AskAsync(spoken, hub);
            return await next.LineAsync() == "held";
        });
        await next!.DisposeAsync();
    }

    private static async Task HttpIsFullAsync(SpokenProtocol spoken)
    {
        await using var server = TestHttpServer.Holding();
        await using var hub = await StartWithHttpAsync(spoken, server);
        await using var user = await spoken.JoinAsync(hub);
        await using var held = await AskAsync(spoken, hub);
        Assert.Equal("held", await held.LineAsync());
        await ExpectServedAsync(spoken, user);
    }

    private static Task<RunningHub> StartWithHttpAsync(SpokenProtocol spoken, TestHttpServer server) => RunningHub.StartAsync(
        o => spoken.Prepare(o with { Heartbeat = TimeSpan.Zero, MaxHttpConnections = 1, Http = new() { Server = server } }));

    private static async Task<RawConnection> AskAsync(SpokenProtocol spoken, RunningHub hub)
    {
        var connection = await hub.ConnectAsync();
        if (spoken.IsSecured)
        {
            await connection.SecureAsync(TestCertificates.Client());
        }

        await connection.SendAsync("GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
        return connection;
    }
}
