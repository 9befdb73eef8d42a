using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// Redis CVE-2025-21605: the answers to a client that was not authenticated and did not read them were kept without limit, until the
/// machine had no memory left.
/// </summary>
public sealed class Cve202521605UnreadOutputTests
{
    private const int QueueLimitBytes = 256 << 10;
    private const int MemoryLimitBytes = 32 << 20;

    public static TheoryData<string, byte[], byte[]> Requests => new()
    {
        { "errors", Frames.Hello(), Frames.Build((FrameType)0x3F) },
        { "echoes", Frames.Hello(), Frames.Echo(new byte[1_000]) },
        { "lists", Frames.Hello(), Frames.List },
        { "identities", Frames.Hello(), Frames.Identity },
        { "errors in text", [], Frames.Utf8("no such command\n") },
        { "help", [], Frames.Utf8("help\n") },
        { "lists in text", [], Frames.Utf8("list\n") },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Answers_that_nobody_reads_stop_the_asker(string what, byte[] greeting, byte[] request)
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with
        {
            QueueLimitBytes = QueueLimitBytes,
            MemoryLimitBytes = MemoryLimitBytes,
            SendBufferBytes = 65_536,
            Heartbeat = TimeSpan.Zero,
            StallTimeout = TimeSpan.FromSeconds(10),
            Limits = o.Limits with { MaxErrorsPerMinute = 0, ListsPerSecond = 0, EchoesPerSecond = 0 },
        });
        await using HealthyUsers healthy = await HealthyUsers.JoinAsync(hub);
        await healthy.AssertServedAsync();
        await hub.SettleAsync();
        long before = hub.UsedMemoryBytes;
        await using RawConnection attacker = await hub.ConnectAsync(receiveBufferBytes: 4_096);
        await attacker.SendAsync(greeting);
        byte[] batch = Frames.Join([.. Enumerable.Repeat(request, 65_536 / request.Length)]);

        // The hub reads until the asker's own queue is full; then its requests stay where they are.
        Task flooding = FloodAsync(attacker, batch);
        await hub.SettleAsync();
        await hub.SettleAsync();

        Assert.False(flooding.IsCompleted, $"256 MiB of {what} were taken, and nobody has read the answers.");
        Assert.InRange(hub.UsedMemoryBytes, 0, before + (4 * QueueLimitBytes) + (4 << 20));
        await healthy.AssertServedAsync();

        // Who takes nothing at all is sent away.
        await hub.AdvanceUntilAsync(Assert.ThrowsAnyAsync<Exception>(() => flooding), TimeSpan.FromSeconds(1));
        await healthy.AssertServedAsync();
    }

    private static async Task FloodAsync(RawConnection attacker, byte[] batch)
    {
        for (int i = 0; i < 4_096; i++)
        {
            await attacker.SendAsync(batch, TimeSpan.FromMinutes(1));
        }
    }
}
