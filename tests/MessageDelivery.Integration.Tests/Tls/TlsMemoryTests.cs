using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Tls;

/// <summary>Where memory is scarce encrypted senders are read in small pieces, and nothing is lost between two records.</summary>
public sealed class TlsMemoryTests
{
    private const int Pairs = 12;
    private const int Rounds = 4;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Large_bodies_pass_in_a_small_memory(bool asText)
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Tls = TestCertificates.Tls(),
            MemoryLimitBytes = 8 << 20,
            QueueLimitBytes = 1 << 20,
        });
        var pairs = new List<(RawConnection Sender, RawConnection Receiver)>();
        for (int i = 0; i < Pairs; i++)
        {
            pairs.Add((await SecureAsync(hub, asText && i % 2 == 0), await SecureAsync(hub, asText: false)));
        }

        await Task.WhenAll(pairs.Select((pair, index) => ExchangeAsync(pair.Sender, pair.Receiver, index, asText && index % 2 == 0)));
        foreach (var (sender, receiver) in pairs)
        {
            await sender.DisposeAsync();
            await receiver.DisposeAsync();
        }
    }

    private static async Task ExchangeAsync(RawConnection sender, RawConnection receiver, int seed, bool asText)
    {
        byte[] body = Frames.Pattern(ProtocolLimits.MaxBodyBytes - seed, seed);
        if (asText)
        {
            // Bytes that no line end or dot hides in.
            for (int i = 0; i < body.Length; i++)
            {
                body[i] = (byte)('a' + (body[i] % 26));
            }
        }

        byte[] request = asText
            ? [.. System.Text.Encoding.UTF8.GetBytes($"relay {receiver.UserId}\n"), .. body, .. "\n.\n"u8]
            : Frames.Relay(receiver.UserId, body);
        Task sending = Task.Run(async () =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                await sender.SendAsync(request, TimeSpan.FromSeconds(60));
            }
        });
        for (int round = 0; round < Rounds; round++)
        {
            Frame frame = await receiver.FrameAsync(FrameType.Delivery);
            Assert.True(frame.Payload.AsSpan(8).SequenceEqual(body));
        }

        await sending;
    }

    private static async Task<RawConnection> SecureAsync(RunningHub hub, bool asText)
    {
        RawConnection connection = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        return asText ? await connection.IdentifyAsync() : await connection.HelloAsync();
    }
}
