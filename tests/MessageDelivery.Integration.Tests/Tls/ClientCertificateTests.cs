using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Tls;

/// <summary>Who is let in by its certificate, and what becomes of connections when the hub's is swapped.</summary>
public sealed class ClientCertificateTests
{
    public static TheoryData<string, HubClientCertificates, SslProtocols, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, HubClientCertificates, SslProtocols, bool>();
            foreach (var protocol in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
            {
                foreach (var asked in (HubClientCertificates[])[HubClientCertificates.Optional, HubClientCertificates.Required])
                {
                    cases.Add("alice", asked, protocol, true);
                    cases.Add("none", asked, protocol, asked == HubClientCertificates.Optional);
                    cases.Add("mallory", asked, protocol, false);
                    cases.Add("expired", asked, protocol, false);
                    cases.Add("a server's", asked, protocol, false);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_certificate_lets_in_if_it_holds(string who, HubClientCertificates asked, SslProtocols protocol, bool isLetIn)
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with { Tls = TestCertificates.Tls(clients: asked) });
        X509Certificate2? certificate = who switch
        {
            "alice" => TestCertificates.Alice,
            "mallory" => TestCertificates.Mallory,
            "expired" => TestCertificates.ExpiredAlice,
            "a server's" => TestCertificates.SecondHub,
            _ => null,
        };
        await using RawConnection client = await hub.ConnectAsync();
        if (isLetIn)
        {
            await client.SecureAsync(TestCertificates.Client(certificate, protocol));
            await client.HelloAsync();
            Assert.Equal(1UL, client.UserId);
            return;
        }

        await client.SecureAsync(TestCertificates.Client(certificate, protocol));
        await client.SendAsync(Frames.Hello(), Frames.List);
        await client.ExpectGoodbyeAsync(who == "none" ? ProtocolCode.AuthRequired : ProtocolCode.AuthFailed);
        await client.ExpectClosedAsync(orderly: true);

        await using RawConnection person = await hub.ConnectAsync();
        await person.SecureAsync(TestCertificates.Client(certificate, protocol));
        string why = await WhyAsync(hub, person);
        Assert.Contains(who == "none" ? "none was shown" : "does not hold", why, StringComparison.Ordinal);
        await using RawConnection watcher = await hub.BinaryAsync();
        Assert.Equal(1UL, watcher.UserId);
    }

    [Fact]
    public async Task Certificates_are_swapped_under_load_and_nobody_is_disconnected()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with { Tls = TestCertificates.Tls() });
        await using RawConnection sender = await SecureAsync(hub);
        await using RawConnection receiver = await SecureAsync(hub);
        using var stop = new CancellationTokenSource();
        byte[] body = Frames.Pattern(20_000);
        int sent = 0;
        Task load = Task.Run(async () =>
        {
            for (; !stop.IsCancellationRequested; sent++)
            {
                await sender.SendAsync(Frames.Relay(receiver.UserId, body));
                await receiver.ExpectAsync(Frames.Delivery(sender.UserId, body));
            }
        });
        for (int i = 0; i < 10; i++)
        {
            var shown = i % 2 == 0 ? TestCertificates.SecondHub : TestCertificates.Hub;
            hub.Hub.UseCertificates(TestCertificates.ForHub(shown));
            await using RawConnection newcomer = await SecureAsync(hub);
            Assert.Equal(shown.Subject, newcomer.Tls!.RemoteCertificate!.Subject);
        }

        await stop.CancelAsync();
        await load;
        Assert.True(sent > 0);
        // The last newcomer may not have left yet.
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(sender)) is [var only] && only == receiver.UserId);
    }

    [Fact]
    public async Task Certificates_that_cannot_be_used_change_nothing()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with { Tls = TestCertificates.Tls() });
        using var noKey = X509CertificateLoader.LoadCertificate(TestCertificates.SecondHub.RawData);

        var error = Assert.Throws<ArgumentException>(() => hub.Hub.UseCertificates(new(noKey)));

        Assert.Contains("has no private key", error.Message, StringComparison.Ordinal);
        await using RawConnection newcomer = await SecureAsync(hub);
        Assert.Equal("CN=hub", newcomer.Tls!.RemoteCertificate!.Subject);
    }

    [Fact]
    public async Task A_session_is_resumed_over_tls()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with { Tls = TestCertificates.Tls() });
        await using RawConnection sender = await hub.BinaryAsync();
        RawConnection first = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await first.SendAsync(Frames.HelloResumable());
        Frame welcome = await first.FrameAsync(FrameType.Welcome);
        ulong id = welcome.Number(0);
        byte[] key = welcome.Payload[16..32];
        await sender.SendAsync(Frames.Relay(id, "one"u8.ToArray()));
        await first.ExpectAsync(Frames.Delivery(1, "one"u8.ToArray()));
        first.Abort();
        await sender.SendAsync(Frames.Relay(id, "two"u8.ToArray()));

        await using RawConnection second = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await second.SendAsync(Frames.HelloResume(key, 1));

        Assert.Equal(id, (await second.FrameAsync(FrameType.Welcome)).Number(0));
        await second.ExpectAsync(Frames.Delivery(1, "two"u8.ToArray()));
    }

    /// <summary>One who says nothing is told so after a second.</summary>
    private static async Task<string> WhyAsync(RunningHub hub, RawConnection person)
    {
        Task<string> line = person.LineAsync();
        await hub.AdvanceUntilAsync(line, TimeSpan.FromSeconds(1));
        return await line;
    }

    private static async Task<RawConnection> SecureAsync(RunningHub hub) =>
        await (await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client())).HelloAsync();
}
