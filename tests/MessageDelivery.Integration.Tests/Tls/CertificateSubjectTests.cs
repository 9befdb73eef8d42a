using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Tls;

/// <summary>Who decides over tokens knows whose certificate was shown.</summary>
public sealed class CertificateSubjectTests
{
    [Fact]
    public async Task Rules_see_the_subject_of_a_certificate_and_that_there_is_none()
    {
        var rule = new OnlyWithCertificate();
        await using var hub = await RunningHub.StartAsync(options => options with
        {
            Authenticator = rule,
            Tls = TestCertificates.Tls(HubTlsMode.Optional, HubClientCertificates.Optional),
            Heartbeat = TimeSpan.Zero,
        });
        await using var alice = await SecureAsync(hub, TestCertificates.Alice);
        await alice.HelloAsync("binary");
        await using var person = await SecureAsync(hub, TestCertificates.Alice);
        await person.IdentifyAsync("text");

        await using var nameless = await SecureAsync(hub, null);
        await nameless.SendAsync(Frames.Hello("none"));
        await nameless.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
        await using var plain = await hub.ConnectAsync();
        await plain.SendAsync("auth plain\n");
        await plain.ErrorLineAsync("auth_failed");

        Assert.Equal("CN=alice", rule.Seen["binary"]);
        Assert.Equal("CN=alice", rule.Seen["text"]);
        Assert.Null(rule.Seen["none"]);
        Assert.Null(rule.Seen["plain"]);
    }

    [Fact]
    public async Task A_certificate_that_does_not_hold_is_no_subject_whatever_the_token()
    {
        var rule = new OnlyWithCertificate();
        await using var hub = await RunningHub.StartAsync(options => options with
        {
            Authenticator = rule,
            Tls = TestCertificates.Tls(HubTlsMode.Required, HubClientCertificates.Optional),
            Heartbeat = TimeSpan.Zero,
        });
        await using var mallory = await SecureAsync(hub, TestCertificates.Mallory);
        await mallory.SendAsync(Frames.Hello("anything"));
        await mallory.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
        Assert.Empty(rule.Seen);
    }

    private static async Task<RawConnection> SecureAsync(RunningHub hub, X509Certificate2? certificate) =>
        await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client(certificate));

    /// <summary>Lets in whoever has shown a certificate, and notes what it saw for each token.</summary>
    private sealed class OnlyWithCertificate : IAuthenticator
    {
        public ConcurrentDictionary<string, string?> Seen { get; } = new();

        public ValueTask<AuthenticationResult> AuthenticateAsync(
            ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken)
        {
            Seen[System.Text.Encoding.UTF8.GetString(token.Span)] = context.CertificateSubject;
            return new(context.CertificateSubject is { } subject
                ? AuthenticationResult.Success(new(subject))
                : AuthenticationResult.Refused(AuthenticationFailure.Unknown));
        }
    }
}
