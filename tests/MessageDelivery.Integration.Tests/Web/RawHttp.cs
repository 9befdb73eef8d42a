using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>An answer as it came.</summary>
internal sealed record HttpReply(int Status, IReadOnlyList<(string Name, string Value)> Headers, string Body)
{
    public string Header(string name) => Assert.Single(Headers, header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    public bool Has(string name) => Headers.Any(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A connection on which requests are said byte by byte. A wait ends after <see cref="RawConnection.Patience"/>.</summary>
internal sealed class RawHttp : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly List<byte> _received = [];

    private RawHttp(Stream stream) => _stream = stream;

    public static async Task<RawHttp> ConnectAsync(IPEndPoint hub, SslClientAuthenticationOptions? tls = null)
    {
        using var patience = new CancellationTokenSource(RawConnection.Patience);
        var socket = new Socket(hub.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(hub, patience.Token);
        var stream = new NetworkStream(socket, ownsSocket: true);
        if (tls is null)
        {
            return new(stream);
        }

        var secured = new SslStream(stream);
        await secured.AuthenticateAsClientAsync(tls, patience.Token);
        return new(secured);
    }

    /// <summary>One request on a connection of its own.</summary>
    public static async Task<HttpReply> AskAsync(IPEndPoint hub, string request, SslClientAuthenticationOptions? tls = null)
    {
        await using var connection = await ConnectAsync(hub, tls);
        await connection.SendAsync(request);
        return await connection.ReceiveAsync(isToHead: request.StartsWith("HEAD ", StringComparison.Ordinal));
    }

    /// <summary>GET of a path.</summary>
    /// <param name="headers">Lines without their ends, beside Host.</param>
    public static string Get(string path, params string[] headers) =>
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\n{string.Concat(headers.Select(header => $"{header}\r\n"))}\r\n";

    public async Task SendAsync(string text)
    {
        using var patience = new CancellationTokenSource(RawConnection.Patience);
        await _stream.WriteAsync(Encoding.Latin1.GetBytes(text), patience.Token);
    }

    /// <summary>The next answer.</summary>
    public async Task<HttpReply> ReceiveAsync(bool isToHead = false)
    {
        int end;
        while ((end = Text.IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            Assert.True(await ReadMoreAsync(), $"There is no answer: {Text}");
        }

        string[] lines = Text[..end].Split("\r\n");
        Assert.StartsWith("HTTP/1.1 ", lines[0], StringComparison.Ordinal);
        var headers = lines[1..].Select(line => line.Split(": ", 2)).Select(parts => (parts[0], parts[1])).ToList();
        var reply = new HttpReply(int.Parse(lines[0].AsSpan(9, 3), CultureInfo.InvariantCulture), headers, "");
        _received.RemoveRange(0, end + 4);
        int length = isToHead || reply.Status == 304 ? 0 : int.Parse(reply.Header("Content-Length"), CultureInfo.InvariantCulture);
        while (_received.Count < length)
        {
            Assert.True(await ReadMoreAsync(), $"The answer breaks off: {Text}");
        }

        string body = Encoding.UTF8.GetString([.. _received.Take(length)]);
        _received.RemoveRange(0, length);
        return reply with { Body = body };
    }

    /// <summary>Nothing more comes: the connection is closed.</summary>
    public async Task ExpectEndAsync()
    {
        try
        {
            Assert.False(await ReadMoreAsync(), $"There is more: {Text}");
        }
        catch (IOException)
        {
            // A reset is an end.
        }

        Assert.Empty(_received);
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private string Text => Encoding.Latin1.GetString([.. _received]);

    private async Task<bool> ReadMoreAsync()
    {
        using var patience = new CancellationTokenSource(RawConnection.Patience);
        byte[] buffer = new byte[4_096];
        int read = await _stream.ReadAsync(buffer, patience.Token);
        _received.AddRange(buffer[..read]);
        return read > 0;
    }
}
