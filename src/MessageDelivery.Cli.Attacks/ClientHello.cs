using System.Net.Security;

namespace MessageDelivery.Cli.Attacks;

/// <summary>The first record of a TLS handshake, as this platform's own clients send it.</summary>
internal static class ClientHello
{
    /// <summary>A TLS record: five bytes of header and the handshake message.</summary>
    public static async Task<byte[]> CreateAsync(SslClientAuthenticationOptions options)
    {
        await using var wire = new Wire();
        await using var tls = new SslStream(wire, leaveInnerStreamOpen: true);
        try
        {
            await tls.AuthenticateAsClientAsync(options);
        }
        catch (Exception exception) when (HostileConnection.IsTheirs(exception))
        {
            // Nobody answers; what was sent is all that is wanted.
        }

        return wire.Sent;
    }

    /// <summary>Takes what is written, and has nothing to read.</summary>
    private sealed class Wire : MemoryStream
    {
        private byte[]? _first;

        public byte[] Sent => _first ?? [];

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _first ??= ToArray();
            return ValueTask.FromResult(0);
        }
    }
}
