using System.Net.Security;
using System.Security.Authentication;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Tls;

/// <summary>What comes from those who do not mean to speak TLS, or not to the end.</summary>
public sealed class TlsAbuseTests
{
    /// <summary>Bytes that begin like a handshake and are none.</summary>
    public static TheoryData<string, string> Junk => new()
    {
        { "a record that is too long", "16 03 01 ff ff" },
        { "another version", "16 04 01 00 05 00 00 00 00 00" },
        { "another type behind", "16 03 01 00 01 01 99 03 01 00 01 00" },
        { "no handshake inside", "16 03 01 00 05 ff ff ff ff ff" },
        { "an empty record", "16 03 01 00 00 16 03 01 00 00" },
        { "an SSL 3 hello", "16 03 00 00 2d 01 00 00 29 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 00 35 01 00" },
        { "a long hello by declaration", "16 03 01 00 04 01 ff ff ff 16 03 01 00 04 00 00 00 00" },
    };

    [Theory]
    [MemberData(nameof(Junk))]
    public async Task Junk_ends_in_its_own_connection(string what, string hex)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection junk = await hub.ConnectAsync();
        await junk.SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
        Task<byte[]> end = junk.ReadToEndAsync();
        await hub.AdvanceUntilAsync(end, TimeSpan.FromSeconds(1));

        byte[] answer = await end;
        Assert.True(answer.Length == 0 || answer[0] == 0x15, $"{what}: {RawConnection.Show(answer)}");
        await UsableAsync(hub);
    }

    [Fact]
    public async Task A_handshake_that_trickles_has_10_s()
    {
        await using RunningHub hub = await StartAsync();
        byte[] hello = await ClientHelloAsync();
        await using RawConnection slow = await hub.ConnectAsync();
        for (int i = 0; i < 12; i++)
        {
            await slow.SendAsync([hello[i]]);
            await hub.PassAsync(TimeSpan.FromMilliseconds(700), 1);
        }

        await hub.AdvanceUntilAsync(slow.ExpectClosedAsync(), TimeSpan.FromMilliseconds(700));
        await UsableAsync(hub);
    }

    [Fact]
    public async Task A_handshake_that_stops_after_the_hello_has_10_s()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection silent = await hub.ConnectAsync();
        await silent.SendAsync(await ClientHelloAsync());
        Assert.Equal(0x16, (await silent.ReadAsync(1))[0]);
        await hub.PassAsync(TimeSpan.FromSeconds(8), 4);
        Task<byte[]> end = silent.ReadToEndAsync();
        Assert.False(end.IsCompleted);

        await hub.AdvanceUntilAsync(end, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_handshake_may_be_cut_anywhere()
    {
        await using RunningHub hub = await StartAsync();
        byte[] hello = await ClientHelloAsync();
        for (int cut = 1; cut <= hello.Length; cut += cut < 16 ? 1 : 23)
        {
            await using RawConnection client = await hub.ConnectAsync();
            await client.SendAsync(hello[..cut]);
            if (cut % 2 == 0)
            {
                client.Abort();
            }
            else
            {
                client.HalfClose();
                await client.ReadToEndAsync();
            }
        }

        await UsableAsync(hub);
    }

    [Fact]
    public async Task A_handshake_may_come_byte_by_byte()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SendByteByByteAsync(await ClientHelloAsync());
        Assert.Equal(0x16, (await client.ReadAsync(1))[0]);
    }

    [Fact]
    public async Task A_thousand_half_handshakes_keep_nobody_out_and_are_gone_after_10_s()
    {
        await using RunningHub hub = await StartAsync();
        byte[] hello = await ClientHelloAsync();
        var halves = new List<RawConnection>();
        for (int i = 0; i < 1_000; i++)
        {
            RawConnection half = await hub.ConnectAsync();
            halves.Add(half);
            await half.SendAsync(i % 2 == 0 ? hello : hello[..(hello.Length / 2)]);
        }

        await UsableAsync(hub);
        Task ends = Task.WhenAll(halves.Select(half => half.ReadToEndAsync()));
        await hub.AdvanceUntilAsync(ends, TimeSpan.FromSeconds(1));
        await Task.WhenAll(halves.Select(half => half.DisposeAsync().AsTask()));
        await UsableAsync(hub);
    }

    [Theory]
    [InlineData("17 03 03 ff ff")]
    [InlineData("17 03 03 00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00")]
    [InlineData("72 65 6c 61 79 20 31 0a 72 65 6c 61 79 20 31 0a")]
    [InlineData("15 03 03 00 02 02 28")]
    public async Task What_was_not_encrypted_with_the_keys_ends_the_connection(string hex)
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection client = await hub.ConnectAsync();
        await client.SecureAsync(TestCertificates.Client());
        await client.HelloAsync();
        await client.SendRawAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

        await client.ExpectBrokenAsync();
        await using RawConnection watcher = await hub.BinaryAsync();
        await RunningHub.ExpectListAsync(watcher);
    }

    [Fact]
    public async Task Old_versions_are_refused()
    {
        await using RunningHub hub = await StartAsync();
#pragma warning disable CA5397, SYSLIB0039 // To be refused is what they are for here.
        await using RawConnection old = await hub.ConnectAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => old.SecureAsync(TestCertificates.Client(protocols: SslProtocols.Tls11)));
#pragma warning restore CA5397, SYSLIB0039
        await UsableAsync(hub);
    }

    [Fact]
    public async Task A_slow_reader_in_tls_makes_senders_wait_and_is_cut_off()
    {
        await using RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Tls = TestCertificates.Tls(),
            QueueLimitBytes = 256 << 10,
            SendBufferBytes = 64 << 10,
        });
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection slow = await hub.ConnectAsync(receiveBufferBytes: 16 << 10);
        await slow.SecureAsync(TestCertificates.Client());
        await slow.HelloAsync();
        byte[] relay = Frames.Relay(slow.UserId, new byte[64 << 10], correlation: 7);
        Task sending = Task.Run(async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                await sender.SendAsync(relay, TimeSpan.FromSeconds(60));
            }
        });
        int receipts = 0;
        Task cut = Task.Run(async () =>
        {
            while ((await sender.FrameAsync()).Payload[8] != (byte)Outcome.Unknown)
            {
                receipts++;
            }
        });

        await hub.AdvanceUntilAsync(cut, TimeSpan.FromSeconds(1));
        Assert.InRange(receipts, 1, 150);
        await sending;
        for (int i = receipts + 1; i < 200; i++)
        {
            await sender.FrameAsync(FrameType.Receipt);
        }

        await RunningHub.ExpectListAsync(sender);
    }

    [Fact]
    public async Task A_hub_that_stops_waits_for_no_handshake()
    {
        await using RunningHub hub = await StartAsync();
        await using RawConnection half = await hub.ConnectAsync();
        await half.SendAsync(await ClientHelloAsync());
        Assert.Equal(0x16, (await half.ReadAsync(1))[0]);

        await hub.StopAsync().WaitAsync(TimeSpan.FromSeconds(5));
    }

    /// <summary>What a client says first, taken from one.</summary>
    internal static async Task<byte[]> ClientHelloAsync()
    {
        var recorder = new FirstWrite();
        using var tls = new SslStream(recorder);
        await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsClientAsync(TestCertificates.Client()));
        return recorder.Written;
    }

    private static async Task UsableAsync(RunningHub hub)
    {
        await using RawConnection secure = await (await hub.ConnectAsync()).SecureAsync(TestCertificates.Client());
        await secure.SendAsync("echo still there\n");
        await secure.ExpectAsync("still there\n");
    }

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(options => options with { Tls = TestCertificates.Tls() });

    private sealed class FirstWrite : MemoryStream
    {
        public byte[] Written { get; private set; } = [];

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Written = [.. Written, .. buffer.Span];
            return ValueTask.CompletedTask;
        }
    }
}
