using MessageDelivery.Client;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-05 (CVE-2026-33216) and 2026-14 (CVE-2026-33247): passwords were shown by monitoring, and credentials given on the
/// command line could be read there. What a user says to be let in must turn up nowhere.
/// </summary>
public sealed class Cve202633247SecretTests
{
    private const string Secret = "correct-horse-battery-staple";

    [Fact]
    public async Task A_token_is_in_no_line_of_the_log()
    {
        MdsResult ended;
        await using (HubProcess hub = await HubProcess.StartAsync("--log-level", "trace"))
        {
            await using RawConnection binary = await RawConnection.ConnectAsync(hub.Endpoint);
            await binary.SendAsync(Frames.Hello(Secret));
            await binary.FrameAsync();
            await using RawConnection text = await RawConnection.ConnectAsync(hub.Endpoint);
            await text.SendAsync($"auth {Secret}\nnonsense {Secret}\nauth {Secret} {Secret}\n");
            await text.LineAsync();
            await using RawConnection late = await RawConnection.ConnectAsync(hub.Endpoint);
            await late.SendAsync([.. Frames.Hello(Secret)[..^1]]);
            await using RawConnection browser = await RawConnection.ConnectAsync(hub.Endpoint);
            await browser.SendAsync($"GET /?token={Secret} HTTP/1.1\r\nAuthorization: Bearer {Secret}\r\n\r\n");
            Assert.DoesNotContain(Secret, System.Text.Encoding.UTF8.GetString(await browser.ReadToEndAsync()), StringComparison.Ordinal);
            hub.Mds.Signal(MdsProcess.SigTerm);
            ended = await hub.Mds.EndAsync();
        }

        Assert.NotEmpty(ended.Error);
        Assert.DoesNotContain(Secret, ended.Error + ended.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_print_no_token() =>
        Assert.DoesNotContain(Secret, new HubClientOptions { Token = Secret }.ToString(), StringComparison.Ordinal);
}
