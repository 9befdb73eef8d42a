using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

/// <summary>
/// What may happen between a new socket and the end of the TLS handshake while a client connects again. A connection that ends is a
/// failed attempt; what the other side has against TLS or against a certificate is the end.
/// </summary>
public sealed class TlsReconnectTests
{
    private const byte Handshake = 22;
    private const byte Alert = 21;
    private const byte HandshakeFailure = 40;
    private const byte InternalError = 80;

    private static readonly X509Certificate2 Certificate = MakeCertificate("CN=hub");
    private static readonly X509Certificate2 OtherCertificate = MakeCertificate("CN=another hub");

    public static TheoryData<string> Losses => ["FIN", "FIN after the hello", "RST after the hello", "half an answer, then FIN", "alert internal_error"];

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task A_connection_that_ends_during_the_handshake_is_a_failed_attempt(string loss)
    {
        await using var hub = new ScriptedHub();
        await using HubClient client = await ConnectAsync(hub);
        for (int attempt = 0; attempt < 2; attempt++)
        {
            Peer peer = await hub.AcceptAsync();
            if (loss != "FIN")
            {
                await ReadRecordAsync(peer);
            }

            if (loss == "half an answer, then FIN")
            {
                await peer.SendBytesAsync(new byte[] { Handshake, 3, 3, 0, 90, 2, 0 });
            }
            else if (loss == "alert internal_error")
            {
                await peer.SendBytesAsync(new byte[] { Alert, 3, 3, 0, 2, 2, InternalError });
            }

            if (loss == "RST after the hello")
            {
                peer.Cut();
            }
            else
            {
                peer.EndSending();
            }
        }

        // The hub is back, and so is the client.
        await WelcomeAsync(hub, Certificate, id: 2);
        await Soonness.UntilAsync(() => client is { UserId: 2, ConnectionState: ConnectionState.Connected });
    }

    public static TheoryData<string> Objections => ["alert handshake_failure", "not TLS", "another certificate"];

    [Theory]
    [MemberData(nameof(Objections))]
    public async Task An_objection_during_the_handshake_is_the_end(string objection)
    {
        await using var hub = new ScriptedHub();
        await using HubClient client = await ConnectAsync(hub);
        if (objection == "another certificate")
        {
            Peer peer = await hub.AcceptAsync();
            await using var tls = new SslStream(new NetworkStream(peer.Socket));

            // In TLS 1.3 the hub is done before the client objects.
            await Record.ExceptionAsync(() => AuthenticateAsync(tls, OtherCertificate));
        }
        else
        {
            Peer peer = await hub.AcceptAsync();
            await ReadRecordAsync(peer);
            await peer.SendBytesAsync(objection == "not TLS" ? "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray() : new byte[] { Alert, 3, 3, 0, 2, 2, HandshakeFailure });
            peer.EndSending();
        }

        await client.Closed.Soon();
        Assert.IsType<HubTlsException>(client.CloseReason);
    }

    [Fact]
    public async Task A_connection_that_ends_during_the_first_handshake_says_so()
    {
        await using var hub = new ScriptedHub();
        Task<HubClient> connecting = HubClient.ConnectAsync(Options(hub)).AsTask();
        Peer peer = await hub.AcceptAsync();
        await ReadRecordAsync(peer);
        peer.EndSending();
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => connecting.Soon());
        Assert.Equal(ReconnectAdvice.Yes, error.ReconnectAdvice);
        Assert.Contains("TLS", error.Message, StringComparison.Ordinal);
    }

    private static HubClientOptions Options(ScriptedHub hub) => hub.Resumable with
    {
        Resume = false,
        Tls = new() { Pin = "sha256:" + Convert.ToHexString(SHA256.HashData(Certificate.RawData)) },
    };

    /// <summary>A client whose first connection has been lost.</summary>
    private static async Task<HubClient> ConnectAsync(ScriptedHub hub)
    {
        Task<HubClient> connecting = HubClient.ConnectAsync(Options(hub)).AsTask();
        Peer peer = await WelcomeAsync(hub, Certificate, id: 1);
        HubClient client = await connecting.Soon();
        peer.Cut();
        return client;
    }

    private static async Task<Peer> WelcomeAsync(ScriptedHub hub, X509Certificate2 certificate, ulong id)
    {
        Peer peer = await hub.AcceptAsync();
        var tls = new SslStream(new NetworkStream(peer.Socket));
        await AuthenticateAsync(tls, certificate);
        await tls.ReadExactlyAsync(new byte[ProtocolLimits.HeaderBytes + 4]).Soon();
        await tls.WriteAsync(Frames.Welcome(id)).Soon();
        return peer;
    }

    private static Task AuthenticateAsync(SslStream tls, X509Certificate2 certificate) => tls.AuthenticateAsServerAsync(
        new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13 }).Soon();

    private static async Task ReadRecordAsync(Peer peer)
    {
        byte[] header = await peer.ReadBytesAsync(5);
        await peer.ReadBytesAsync((header[3] << 8) | header[4]);
    }

    private static X509Certificate2 MakeCertificate(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
