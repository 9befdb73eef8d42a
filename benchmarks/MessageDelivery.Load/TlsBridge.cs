using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MessageDelivery.RawClient;

namespace MessageDelivery.Load;

/// <summary>
/// Stands between the generator and a server that speaks TLS: a connection to it in the clear becomes one to the server through TLS 1.3,
/// always with the same cipher, so that servers are compared and not their preferences. What it costs is the generator's; the server's
/// certificate is not checked, and no session is resumed.
/// </summary>
internal sealed class TlsBridge : IDisposable
{
    private const int BufferBytes = 64 << 10;
    private const int Backlog = 4_096;

    private readonly IPEndPoint _server;
    private readonly bool _greets;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly SslClientAuthenticationOptions _options = WireConnection.TrustAnybody("localhost");

    /// <param name="greets">Whether the server says a line in the clear first, and only then shakes hands.</param>
    public TlsBridge(IPEndPoint server, bool greets)
    {
        _server = server;
        _greets = greets;
        _options.EnabledSslProtocols = SslProtocols.Tls13;
#pragma warning disable CA1416 // Only on Linux, like the whole generator.
        _options.CipherSuitesPolicy = new([TlsCipherSuite.TLS_AES_128_GCM_SHA256]);
#pragma warning restore CA1416
        _options.AllowTlsResume = false;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(Backlog);
        _ = AcceptAsync();
    }

    /// <summary>Where the generator connects instead.</summary>
    public IPEndPoint Endpoint => (IPEndPoint)_listener.LocalEndPoint!;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = BridgeAsync(await _listener.AcceptAsync().ConfigureAwait(false));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The run is over.
        }
    }

    /// <summary>Whatever goes wrong, the generator sees its connection closed.</summary>
    private async Task BridgeAsync(Socket generator)
    {
        generator.NoDelay = true;
        using var near = new NetworkStream(generator, ownsSocket: true);
        try
        {
            using var wire = await WireConnection.ConnectAsync(_server).ConfigureAwait(false);
            if (_greets)
            {
                wire.ReadsAhead = false;
                var line = await wire.ReceiveLineAsync().ConfigureAwait(false);
                await near.WriteAsync((byte[])[.. line.Span, (byte)'\n']).ConfigureAwait(false);
            }

            await wire.SecureAsync(_options).ConfigureAwait(false);
            await Task.WhenAny(PassAsync(near, wire.Tls!), PassAsync(wire.Tls!, near)).Unwrap().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or ObjectDisposedException)
        {
        }
    }

    private static async Task PassAsync(Stream from, Stream to)
    {
        byte[] buffer = new byte[BufferBytes];
        while (await from.ReadAsync(buffer).ConfigureAwait(false) is var count and > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
        }
    }
}
