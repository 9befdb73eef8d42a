using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// Mosquitto CVE-2017-7651: many connections, none of them authenticated, that declare a large "remaining length" take the broker's
/// memory. Here the whole process is looked at, and each connection also sends something.
/// </summary>
public sealed class Cve20177651ManyLargeLengthsTests
{
    private const int Connections = 1_000;
    private const long RuntimeBytes = 64L << 20;
    private const long BytesPerConnection = 48L << 10;

    [Theory]
    [InlineData("a HELLO")]
    [InlineData("a relay")]
    [InlineData("a line")]
    public async Task A_thousand_of_them_cost_a_few_kilobytes_each(string what)
    {
        await using HubProcess hub = await HubProcess.StartAsync();
        await using RawConnection healthy = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        long before = ResidentBytes(hub.Mds.Id);
        byte[] begun = what switch
        {
            "a HELLO" => [.. Frames.Header(FrameType.Hello, 0, 1, 8_220), .. "MDS1"u8, .. new byte[2_000]],
            "a relay" => [.. Frames.Hello(), .. Frames.Header(FrameType.Relay, 0, 1, 1_050_624), .. new byte[2_000]],
            _ => [.. "echo "u8, .. new byte[2_000]],
        };

        var attackers = new List<RawConnection>();
        for (int i = 0; i < Connections; i++)
        {
            attackers.Add(await RawConnection.ConnectAsync(hub.Endpoint));
            await attackers[^1].SendAsync(begun);
        }

        await healthy.SendAsync(Frames.Echo([1, 2, 3]));
        await healthy.ExpectAsync(Frames.EchoReply([1, 2, 3]));
        Assert.InRange(ResidentBytes(hub.Mds.Id) - before, long.MinValue, RuntimeBytes + (Connections * BytesPerConnection));
        byte[] body = Frames.Pattern(Frames.MaxBodyBytes);
        Task sending = healthy.SendAsync(Frames.Relay(healthy.UserId, body));
        await healthy.ExpectAsync(Frames.Delivery(healthy.UserId, body));
        await sending;
        attackers.ForEach(attacker => attacker.Abort());
    }

    private static long ResidentBytes(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line["VmRSS:".Length..^"kB".Length], System.Globalization.CultureInfo.InvariantCulture) << 10;
    }
}
