using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace MessageDelivery.Hub.Protocols.Http;

/// <summary>
/// The one shape of request that becomes a WebSocket (RFC 6455, section 4.2.1, and protocol, section 7): an HTTP server may forgive what it is
/// sent; this does not, since what is behind it is no HTTP.
/// </summary>
internal static class WebSocketUpgrade
{
    private const int KeyBytes = 16;

    private static ReadOnlySpan<byte> Subprotocol => "mds.v1"u8;

    private static ReadOnlySpan<byte> Magic => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    /// <summary>Whether a request is for the WebSocket, whatever is wrong with it.</summary>
    public static bool IsFor(ReadOnlySpan<byte> request) =>
        request.StartsWith("GET /ws "u8) || request.StartsWith("GET /ws?"u8) || request.StartsWith("GET /ws\r"u8) || request.StartsWith("GET /ws\n"u8);

    /// <summary>Reads a request for the WebSocket. The answer to one that becomes none; null if it does.</summary>
    /// <param name="accepted">What is answered to one that becomes one.</param>
    public static HttpAnswer? Check(ReadOnlySpan<byte> bytes, HttpPolicy policy, out HttpHead head, out byte[] accepted)
    {
        accepted = [];
        if (!HttpHead.TryRead(bytes, out head, out string wrong))
        {
            return HttpAnswer.Malformed(wrong);
        }

        if (!head.RequestLine.SequenceEqual("GET /ws HTTP/1.1"u8))
        {
            return HttpAnswer.Malformed("WebSocket is asked for with GET /ws HTTP/1.1, without a query");
        }

        if (!head.TryGetOnly("host"u8, out var host))
        {
            return HttpAnswer.Malformed("it has to have one Host");
        }

        if (head.Has("content-length"u8) || head.Has("transfer-encoding"u8))
        {
            return HttpAnswer.Malformed("a request that becomes a WebSocket has no body");
        }

        if (!head.TryGetOnly("upgrade"u8, out _) || !head.Lists("upgrade"u8, "websocket"u8) || !head.Lists("connection"u8, "upgrade"u8))
        {
            return HttpAnswer.NoWebSocket;
        }

        if (!head.TryGetOnly("sec-websocket-version"u8, out var version) || !version.SequenceEqual("13"u8))
        {
            return HttpAnswer.OtherVersion;
        }

        bool offers = head.Has("sec-websocket-protocol"u8);
        if (offers && !head.Lists("sec-websocket-protocol"u8, Subprotocol, isCaseSensitive: true))
        {
            return HttpAnswer.Malformed("of the subprotocols that it offers none is mds.v1, and no other is spoken here");
        }

        if (!head.TryGetOnly("sec-websocket-key"u8, out var key) || !IsKey(key))
        {
            return HttpAnswer.Malformed("it has to have one Sec-WebSocket-Key of 16 bytes in base64");
        }

        if (Refusal(head, Encoding.Latin1.GetString(host), policy) is { } refusal)
        {
            return refusal;
        }

        accepted = Accept(key, offers);
        return null;
    }

    private static HttpAnswer? Refusal(in HttpHead head, string host, HttpPolicy policy)
    {
        if (!policy.AllowsHost(host))
        {
            return HttpAnswer.Forbidden($"Host is {host}: the hub is asked for by an address, localhost, a name in its certificate or one of --allow-host.");
        }

        if (!head.Has("origin"u8))
        {
            // It is not from a browser.
            return null;
        }

        if (!head.TryGetOnly("origin"u8, out var bytes))
        {
            return HttpAnswer.Malformed("it has more than one Origin");
        }

        string origin = Encoding.Latin1.GetString(bytes);
        return policy.AllowsOrigin(origin, host)
            ? null
            : HttpAnswer.Forbidden($"Origin is {origin}: pages of {host} itself may connect, and those of --allow-origin.");
    }

    private static bool IsKey(ReadOnlySpan<byte> key)
    {
        Span<byte> decoded = stackalloc byte[KeyBytes + 2];
        return key.Length == 24 && !key.ContainsAny(" \t\r\n"u8)
            && Base64.DecodeFromUtf8(key, decoded, out int consumed, out int written) == System.Buffers.OperationStatus.Done
            && consumed == key.Length && written == KeyBytes;
    }

    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 wants SHA-1 here, and nothing is kept secret by it.")]
    private static byte[] Accept(ReadOnlySpan<byte> key, bool hasSubprotocol)
    {
        Span<byte> source = stackalloc byte[24 + Magic.Length];
        key.CopyTo(source);
        Magic.CopyTo(source[24..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(source, hash);
        string subprotocol = hasSubprotocol ? "Sec-WebSocket-Protocol: mds.v1\r\n" : "";
        return Encoding.ASCII.GetBytes(
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {Convert.ToBase64String(hash)}\r\n{subprotocol}\r\n");
    }
}
