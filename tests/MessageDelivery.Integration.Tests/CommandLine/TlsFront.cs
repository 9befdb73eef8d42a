using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>Stands before a hub and speaks TLS on the same port, with a certificate that nobody knows; what is not TLS it passes on as it is.</summary>
internal sealed class TlsFront : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly IPEndPoint _hub;
    private readonly SslServerAuthenticationOptions _options;
    private readonly CancellationTokenSource _over = new();
    private readonly List<Task> _serving = [];
    private readonly Task _accepting;

    /// <param name="hub">Where it passes everything on to.</param>
    /// <param name="allowsRenegotiation">Whether it lets clients ask for more handshakes on a connection.</param>
    public TlsFront(IPEndPoint hub, bool allowsRenegotiation)
    {
        _hub = hub;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        _options = new()
        {
            ServerCertificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)),
            AllowRenegotiation = allowsRenegotiation,
        };
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public EndPoint Endpoint => _listener.LocalEndPoint!;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _over.CancelAsync();
        await _accepting;
        await Task.WhenAll(_serving);
        _options.ServerCertificate!.Dispose();
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(_over.Token);
                _serving.Add(Task.Run(() => ServeAsync(client)));
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            using var hub = new Socket(_hub.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await hub.ConnectAsync(_hub, _over.Token);
            client.NoDelay = true;
            using var inside = new NetworkStream(hub);
            using Stream outside = await OpenAsync(client);
            await Task.WhenAny(outside.CopyToAsync(inside, _over.Token), inside.CopyToAsync(outside, _over.Token));
        }
        catch (Exception exception) when (exception
            is IOException or SocketException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // It has gone.
        }
        finally
        {
            client.Dispose();
        }
    }

    private async Task<Stream> OpenAsync(Socket client)
    {
        byte[] first = new byte[1];
        int count = await client.ReceiveAsync(first, SocketFlags.Peek, _over.Token);
        Stream outside = new NetworkStream(client, ownsSocket: true);
        if (count > 0 && first[0] == 0x16)
        {
            var tls = new SslStream(outside);
            await tls.AuthenticateAsServerAsync(_options, _over.Token);
            return tls;
        }

        return outside;
    }
}
