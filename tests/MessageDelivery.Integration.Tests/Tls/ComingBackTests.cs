using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Client;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Tls;

/// <summary>
/// TLS sessions that go on with another connection: they spare a signature, and no question of who is let in. Each test has a name of its
/// own for its hub, by which clients remember sessions.
/// </summary>
public sealed class ComingBackTests : IDisposable
{
    private readonly string _name = $"{Guid.NewGuid():N}.example";
    private readonly X509Certificate2 _certificate;
    private readonly HubMeters _meters = new();

    public ComingBackTests() => _certificate = TestCertificates.Issue(TestCertificates.Authority, "CN=hub", isServer: true, name: _name);

    public void Dispose()
    {
        _certificate.Dispose();
        _meters.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Who_comes_back_goes_on_with_the_session(SslProtocols protocol)
    {
        await using RunningHub hub = await StartAsync();
        var options = TestCertificates.Client(protocols: protocol, name: _name);
        for (int visit = 0; visit < 3; visit++)
        {
            await using RawConnection client = await ComeAsync(hub, options);
            await client.HelloAsync();
            Assert.Equal((1, visit), Handshakes());
        }
    }

    [Fact]
    public async Task Who_does_not_want_to_resume_does_not()
    {
        await using RunningHub hub = await StartAsync();
        var options = TestCertificates.Client(name: _name);
        options.AllowTlsResume = false;
        for (int visit = 1; visit <= 2; visit++)
        {
            await using RawConnection client = await ComeAsync(hub, options);
            await client.HelloAsync();
            Assert.Equal((visit, 0), Handshakes());
        }
    }

    [Fact]
    public async Task Another_certificate_of_the_hub_ends_the_sessions_of_before()
    {
        await using RunningHub hub = await StartAsync();
        var options = TestCertificates.Client(name: _name);
        await using RawConnection first = await (await ComeAsync(hub, options)).HelloAsync();
        using var renewed = TestCertificates.Issue(TestCertificates.Authority, "CN=renewed", isServer: true, name: _name);
        hub.Hub.UseCertificates(TestCertificates.ForHub(renewed));

        await using RawConnection second = await (await ComeAsync(hub, options)).HelloAsync();

        Assert.Equal((2, 0), Handshakes());
        Assert.Equal("CN=renewed", second.Tls!.RemoteCertificate!.Subject);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, HubClientCertificates.Required)]
    [InlineData(SslProtocols.Tls13, HubClientCertificates.Required)]
    [InlineData(SslProtocols.Tls13, HubClientCertificates.Optional)]
    public async Task A_client_is_known_by_its_certificate_until_its_authority_is_taken_away(SslProtocols protocol, HubClientCertificates asked)
    {
        await using RunningHub hub = await StartAsync(asked);
        var options = TestCertificates.Client(TestCertificates.Alice, protocol, _name);
        RawConnection first = await ComeAsync(hub, options);
        await first.SendAsync(Frames.HelloResumable());
        Frame welcome = await first.FrameAsync(FrameType.Welcome);
        byte[] key = welcome.Payload[16..32];
        first.Abort();
        await using (RawConnection second = await ComeAsync(hub, options))
        {
            await second.SendAsync(Frames.HelloResume(key, 0, flags: 3));
            Frame again = await second.FrameAsync(FrameType.Welcome);
            Assert.Equal(welcome.Number(0), again.Number(0));
            key = again.Payload[16..32];
        }

        Assert.Equal((1, 1), Handshakes());
        hub.Hub.UseCertificates(new(_certificate) { ClientAuthorities = [TestCertificates.OtherAuthority] });

        // Its ticket is taken, since the hub shows the same certificate; and it is refused by whom it names.
        await using RawConnection third = await ComeAsync(hub, options);
        await third.SendAsync(Frames.HelloResume(key, 0, flags: 3));
        await third.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
        await third.ExpectClosedAsync(orderly: true);
        Assert.Equal((1, 2), Handshakes());

        // With the authority back, so is the client, by the same session of TLS.
        hub.Hub.UseCertificates(TestCertificates.ForHub(_certificate));
        await using RawConnection fourth = await (await ComeAsync(hub, options)).HelloAsync();
        Assert.Equal((1, 3), Handshakes());
    }

    [Fact]
    public async Task One_whose_certificate_does_not_hold_is_refused_each_time()
    {
        await using RunningHub hub = await StartAsync(HubClientCertificates.Required);
        var options = TestCertificates.Client(TestCertificates.Mallory, name: _name);
        for (int visit = 0; visit < 3; visit++)
        {
            await using RawConnection client = await ComeAsync(hub, options);
            await client.SendAsync(Frames.Hello());
            await client.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
            await client.ExpectClosedAsync(orderly: true);
        }
    }

    [Fact]
    public async Task A_certificate_below_another_one_holds_when_its_client_comes_back()
    {
        await using RunningHub hub = await StartAsync(HubClientCertificates.Required);
        using var issuer = TestCertificates.MakeIntermediate(TestCertificates.Authority, "CN=issuer of one day");
        using var bob = TestCertificates.Issue(issuer, "CN=bob", isServer: false);
        var options = TestCertificates.Client(name: _name);
        options.ClientCertificateContext = SslStreamCertificateContext.Create(bob, [issuer], offline: true);
        for (int visit = 0; visit < 2; visit++)
        {
            await using RawConnection client = await (await ComeAsync(hub, options)).HelloAsync();
            Assert.Equal((1, visit), Handshakes());
        }

        hub.Hub.UseCertificates(new(_certificate) { ClientAuthorities = [TestCertificates.OtherAuthority] });
        await using RawConnection refused = await ComeAsync(hub, options);
        await refused.SendAsync(Frames.Hello());
        await refused.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
        Assert.Equal((1, 2), Handshakes());
    }

    [Fact]
    public void Only_so_many_certificates_between_are_remembered()
    {
        var known = new ClientIntermediates();
        using var leaf = TestCertificates.Issue(TestCertificates.Authority, "CN=leaf", isServer: false);
        for (int i = 0; i <= ClientIntermediates.MaxCertificates; i++)
        {
            Assert.Equal(i == ClientIntermediates.MaxCertificates, known.IsFull);
            using var issuer = TestCertificates.MakeIntermediate(TestCertificates.Authority, $"CN=issuer {i}");
            using var client = TestCertificates.Issue(issuer, "CN=client", isServer: false);
            Remember(known, client, issuer);
            Remember(known, client, issuer);
            Remember(known, leaf);
        }

        Assert.Equal(ClientIntermediates.MaxCertificates, known.Known.Count);
    }

    [Fact]
    public async Task The_client_goes_on_with_its_session_when_it_connects_again()
    {
        await using RunningHub hub = await StartAsync();
        Socket? last = null;
        await using HubClient client = await HubClient.ConnectAsync(new HubClientOptions
        {
            Host = "127.0.0.1",
            Port = hub.Endpoint.Port,
            Resume = true,
            Reconnect = new() { InitialDelay = TimeSpan.Zero, MaxDelay = TimeSpan.Zero },
            Tls = new() { TargetHost = _name, Authorities = [TestCertificates.Authority] },
            ConnectCallback = async (_, cancellation) =>
            {
                last = new(SocketType.Stream, ProtocolType.Tcp);
                await last.ConnectAsync(new IPEndPoint(IPAddress.Loopback, hub.Endpoint.Port), cancellation);
                return new NetworkStream(last, ownsSocket: true);
            },
        });
        ulong id = client.UserId;
        Assert.Equal((1, 0), Handshakes());

        last!.Shutdown(SocketShutdown.Both);
        using (var answer = await client.EchoAsync("back"u8.ToArray()).AsTask().WaitAsync(RawConnection.Patience))
        {
            Assert.Equal("back"u8, answer.Memory.Span);
        }

        Assert.Equal(id, client.UserId);
        Assert.Equal((1, 1), Handshakes());
    }

    private static void Remember(ClientIntermediates known, X509Certificate2 client, params X509Certificate2[] between)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(TestCertificates.Authority);
        chain.ChainPolicy.ExtraStore.AddRange(between);
        Assert.True(chain.Build(client));
        known.Remember(chain);
    }

    private static async Task<RawConnection> ComeAsync(RunningHub hub, SslClientAuthenticationOptions options) =>
        await (await hub.ConnectAsync()).SecureAsync(options);

    private Task<RunningHub> StartAsync(HubClientCertificates asked = HubClientCertificates.Off) => RunningHub.StartAsync(
        (options, _) => options with
        {
            Tls = new() { Mode = HubTlsMode.Optional, Certificates = TestCertificates.ForHub(_certificate), ClientCertificates = asked },
        },
        meters: _meters);

    /// <summary>Full ones, and resumed ones.</summary>
    private (long Full, long Resumed) Handshakes()
    {
        var values = _meters.Read();
        return (values["mds.tls.handshakes{full}"], values["mds.tls.handshakes{resumed}"]);
    }
}
