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

    /// <summary>A fatal TLS alert, handshake_failure (RFC 8446, section 6): what a TLS client can show its user.</summary>
    public static ReadOnlySpan<byte> TlsAlert => [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28];

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
