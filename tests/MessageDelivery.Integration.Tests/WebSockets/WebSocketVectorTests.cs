using System.Text;
using System.Text.Json;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.WebSockets;

/// <summary>The hub answers every vector of <c>spec/vectors/websocket-*</c> as it says, and every valid one however it is cut.</summary>
public sealed class WebSocketVectorTests
{
    private const string ValidFile = "websocket-frames";
    private const string InvalidFile = "websocket-frames-invalid";
    private const string UpgradeFile = "websocket-upgrades";

    public static TheoryData<string> Valid => VectorFile.Names(ValidFile);

    public static TheoryData<string> Invalid => VectorFile.Names(InvalidFile);

    public static TheoryData<string> Upgrades => VectorFile.Names(UpgradeFile);

    [Theory]
    [MemberData(nameof(Valid))]
    public Task Frames_get_their_answer(string name) => TryAsync(ValidFile, name);

    [Theory]
    [MemberData(nameof(Invalid))]
    public Task Frames_that_may_not_be_end_the_connection(string name) => TryAsync(InvalidFile, name);

    [Theory]
    [MemberData(nameof(Valid))]
    public async Task Frames_get_their_answer_wherever_they_are_cut(string name)
    {
        await using var hub = await RunningHub.StartAsync();
        var vector = VectorFile.Entry(ValidFile, name);
        byte[] sent = VectorBytes.Join(vector.GetProperty("send"));
        foreach (int[] cuts in Cuts(sent.Length).Chunk(64))
        {
            await Task.WhenAll(cuts.Select(cut => TryAsync(hub, vector, sent[..cut], sent[cut..])));
        }
    }

    [Theory]
    [MemberData(nameof(Upgrades))]
    public async Task An_upgrade_gets_its_answer(string name)
    {
        var vector = VectorFile.Entry(UpgradeFile, name);
        await using var hub = await StartAsync(vector);
        await using var client = await hub.ConnectAsync();
        await client.SendAsync(VectorBytes.Join(vector.GetProperty("send")));
        await ExpectAnswerAsync(client, vector);
    }

    /// <summary>With a HELLO right behind it, which is in time wherever the two are cut.</summary>
    [Theory]
    [InlineData("plain")]
    [InlineData("offers-it-among-others")]
    public async Task An_upgrade_and_what_is_behind_it_may_be_cut_anywhere(string name)
    {
        var vector = VectorFile.Entry(UpgradeFile, name);
        await using var hub = await StartAsync(vector);
        byte[] sent = Frames.Join(VectorBytes.Join(vector.GetProperty("send")), RawClient.WebSocketFrames.Frame(Frames.Join(Frames.Hello(), Frames.Echo([7]))));
        foreach (int[] cuts in Enumerable.Range(0, sent.Length).Chunk(64))
        {
            await Task.WhenAll(cuts.Select(async cut =>
            {
                await using var client = await hub.ConnectAsync();
                await SendCutAsync(client, sent[..cut], sent[cut..]);
                await ExpectAnswerAsync(client, vector);
                client.BecomeWebSocket();
                await client.FrameAsync(Protocol.FrameType.Welcome);
                await client.ExpectAsync(Frames.EchoReply([7]));
            }));
        }
    }

    private static async Task TryAsync(string file, string name)
    {
        await using var hub = await RunningHub.StartAsync();
        var vector = VectorFile.Entry(file, name);
        await TryAsync(hub, vector, [], VectorBytes.Join(vector.GetProperty("send")));
    }

    private static async Task TryAsync(RunningHub hub, JsonElement vector, byte[] first, byte[] second)
    {
        await using var client = await (await hub.ConnectAsync()).UpgradeAsync();
        if (!vector.TryGetProperty("first", out _))
        {
            await client.HelloAsync();
        }

        if (first.Length > 0)
        {
            await client.SendFramesAsync(first);
            await Task.Delay(30);
        }

        await client.SendFramesAsync(second);
        if (vector.TryGetProperty("payload", out var payload))
        {
            await VectorBytes.ExpectAsync(client, payload, []);
        }

        if (vector.TryGetProperty("close", out var close))
        {
            await client.ExpectClosedAsync();
            ExpectClose(client, close);
            return;
        }

        if (vector.TryGetProperty("pong", out var pong))
        {
            // The pong goes before what is answered to this.
            await client.SendAsync(Frames.Echo([9]));
            await client.ExpectAsync(Frames.EchoReply([9]));
            Assert.Equal(VectorBytes.Join(pong), client.WebSocket.Pongs[^1]);
        }
        else
        {
            Assert.Empty(client.WebSocket.Pongs);
        }
    }

    private static void ExpectClose(RawConnection client, JsonElement close)
    {
        if (close.TryGetProperty("code", out var code))
        {
            Assert.Equal(code.GetInt32(), client.WebSocket.CloseCode);
            return;
        }

        byte[] payload = VectorBytes.Join(close.GetProperty("payload"));
        Assert.Equal(payload.Length == 0 ? 0 : (payload[0] << 8) | payload[1], client.WebSocket.CloseCode);
        Assert.Equal(payload.Length == 0 ? "" : Encoding.UTF8.GetString(payload.AsSpan(2)), client.WebSocket.CloseReason);
    }

    private static async Task SendCutAsync(RawConnection client, byte[] first, byte[] second)
    {
        if (first.Length > 0)
        {
            await client.SendAsync(first);
            await Task.Delay(30);
        }

        await client.SendAsync(second);
    }

    private static Task<RunningHub> StartAsync(JsonElement vector) => RunningHub.StartAsync(options =>
    {
        var http = new HubHttpOptions();
        if (vector.TryGetProperty("hub", out var named))
        {
            Add(http.AllowedHosts, named, "allow_hosts");
            Add(http.AllowedOrigins, named, "allow_origins");
        }

        return options with { Http = http };
    });

    private static void Add(IList<string> list, JsonElement hub, string name)
    {
        foreach (var item in hub.TryGetProperty(name, out var items) ? items.EnumerateArray() : default)
        {
            list.Add(item.GetString()!);
        }
    }

    private static async Task ExpectAnswerAsync(RawConnection client, JsonElement vector)
    {
        int status = vector.GetProperty("status").GetInt32();
        Assert.StartsWith($"HTTP/1.1 {status} ", await client.LineAsync(), StringComparison.Ordinal);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await client.LineAsync() is var line && line != "\r")
        {
            string[] header = line.TrimEnd('\r').Split(": ", 2);
            headers.Add(header[0], header[1]);
        }

        if (status == 101)
        {
            Assert.Equal(vector.GetProperty("accept").GetString(), headers["Sec-WebSocket-Accept"]);
            Assert.Equal(("websocket", "Upgrade"), (headers["Upgrade"], headers["Connection"]));
            Assert.Equal(
                vector.TryGetProperty("subprotocol", out var subprotocol) ? subprotocol.GetString() : null,
                headers.GetValueOrDefault("Sec-WebSocket-Protocol"));
            Assert.False(headers.ContainsKey("Sec-WebSocket-Extensions"));
            return;
        }

        Assert.Equal("close", headers["Connection"]);
        byte[] body = await client.ReadToEndAsync();
        Assert.Equal(headers["Content-Length"], $"{body.Length}");
        Assert.EndsWith("\n", Encoding.UTF8.GetString(body), StringComparison.Ordinal);
        Assert.Equal(status == 426 ? "13" : null, headers.GetValueOrDefault("Sec-WebSocket-Version"));
    }

    /// <summary>Every place of what is short; of what is long those at its ends, and some between.</summary>
    private static IEnumerable<int> Cuts(int length) =>
        Enumerable.Range(0, length).Where(cut => length < 400 || cut < 64 || length - cut < 64 || cut % 4_099 == 0);
}
