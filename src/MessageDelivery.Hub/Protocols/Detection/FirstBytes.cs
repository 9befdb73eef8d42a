namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>What a connection speaks, by its first bytes.</summary>
internal enum FirstBytesKind
{
    /// <summary>The beginning of an HTTP method, or of text that begins alike.</summary>
    Undecided,
    /// <summary>A HELLO, or its beginning.</summary>
    Hello,
    /// <summary>A TLS ClientHello.</summary>
    Tls,
    /// <summary>An HTTP request.</summary>
    Http,
    /// <summary>Anything else.</summary>
    Text,
}

/// <summary>Tells the protocols on one port apart (protocol, section 1).</summary>
internal static class FirstBytes
{
    private static readonly byte[][] HttpMethods =
    [
        "GET "u8.ToArray(), "HEAD "u8.ToArray(), "POST "u8.ToArray(), "PUT "u8.ToArray(), "DELETE "u8.ToArray(),
        "OPTIONS "u8.ToArray(), "PATCH "u8.ToArray(), "TRACE "u8.ToArray(), "CONNECT "u8.ToArray(),
    ];

    private static ReadOnlySpan<byte> HttpAnswer =>
        "HTTP/1.1 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 76\r\nConnection: close\r\n\r\nThis hub does not serve HTTP. Use its text or binary protocol on this port.\n"u8;

    /// <summary>A fatal TLS alert, handshake_failure (RFC 8446, section 6): what a TLS client can show its user.</summary>
    public static ReadOnlySpan<byte> TlsAlert => [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28];

    /// <summary>The answer to a request that begins with these bytes; one to HEAD has no body (RFC 9110, section 9.3.2).</summary>
    public static ReadOnlySpan<byte> HttpResponse(ReadOnlySpan<byte> request) =>
        request.StartsWith("HEAD "u8) ? HttpAnswer[..(HttpAnswer.IndexOf("\r\n\r\n"u8) + 4)] : HttpAnswer;

    /// <summary>What the first bytes, of which there is at least one, tell.</summary>
    public static FirstBytesKind Tell(ReadOnlySpan<byte> bytes)
    {
        switch (bytes[0])
        {
            case 0x01:
                return FirstBytesKind.Hello;
            case 0x16:
                return FirstBytesKind.Tls;
        }

        foreach (byte[] method in HttpMethods)
        {
            if (bytes.StartsWith(method))
            {
                return FirstBytesKind.Http;
            }

            if (method.AsSpan().StartsWith(bytes))
            {
                return FirstBytesKind.Undecided;
            }
        }

        return FirstBytesKind.Text;
    }
}
