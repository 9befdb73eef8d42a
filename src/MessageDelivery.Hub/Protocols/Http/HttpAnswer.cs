using System.Globalization;
using System.Text;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Http;

/// <summary>What the hub itself answers to a request: a status, a line of text, and the connection closes.</summary>
/// <param name="Status">With its words.</param>
/// <param name="Text">What is wrong, for a person.</param>
/// <param name="Headers">What else is told, each with its line end.</param>
internal sealed record HttpAnswer(string Status, string Text, string Headers = "")
{
    public static readonly HttpAnswer NotFound = new("404 Not Found", "This hub serves no such page. WebSocket is at /ws.");

    public static readonly HttpAnswer OtherProtocol = new("400 Bad Request", "This began as HTTP and is no request of HTTP/1.1 or HTTP/1.0.");

    public static readonly HttpAnswer TooLarge =
        new("431 Request Header Fields Too Large", $"The request line and headers have more than {HttpHead.MaxBytes} bytes.");

    public static readonly HttpAnswer OnlyTls = new("403 Forbidden", "This hub speaks TLS only, and this came in the clear: use https or wss.");

    public static readonly HttpAnswer NoWebSocket = Upgrade("This is the address of a WebSocket: it wants Upgrade: websocket and Connection: Upgrade.");

    public static readonly HttpAnswer OtherVersion = Upgrade("The hub speaks version 13 of WebSocket (RFC 6455) and no other.");

    public static HttpAnswer Malformed(string wrong) => new("400 Bad Request", $"The request cannot be: {wrong}.");

    public static HttpAnswer Forbidden(string why) => new("403 Forbidden", why);

    /// <summary>How a connection ends that is refused whatever it says.</summary>
    public static HttpAnswer Of(Ending ending) => new(
        ending.Code is ProtocolCode.AuthRequired or ProtocolCode.AuthFailed ? "403 Forbidden"
        : ending.Code == ProtocolCode.HandshakeTimeout ? "408 Request Timeout" : "503 Service Unavailable",
        $"{ending.Code.Name()}: {ending.Text}",
        ending.Code is ProtocolCode.TooManyConnections or ProtocolCode.RateLimited or ProtocolCode.Overloaded or ProtocolCode.ShuttingDown ? "Retry-After: 1\r\n" : "");

    /// <summary>All of it; the answer to HEAD has no body (RFC 9110, section 9.3.2).</summary>
    public byte[] ToBytes(bool isToHead)
    {
        byte[] body = Encoding.UTF8.GetBytes(Text + "\n");
        byte[] head = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {Status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\n{Headers}Connection: close\r\n\r\n"));
        return isToHead ? head : [.. head, .. body];
    }

    private static HttpAnswer Upgrade(string text) =>
        new("426 Upgrade Required", text, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
}
