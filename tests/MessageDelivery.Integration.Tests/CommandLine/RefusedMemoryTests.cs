using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The program where the machine gives it less memory than its limit allows, as LimitAS and ulimit -v do.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class RefusedMemoryTests
{
    private const int AddressSpace = 9;
    private const ulong MoreBytes = 24 << 20;

    [Fact]
    public async Task The_hub_works_as_at_its_limit_and_recovers_when_there_is_memory_again()
    {
        // The runtime's own compiler ends the process where it gets no second mapping for what it writes; the native file has none.
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0", "--memory-limit", "1GiB", "--queue-limit", "1GiB", "--stall-timeout", "3s", "--heartbeat", "0"],
            new Dictionary<string, string> { ["DOTNET_EnableWriteXorExecute"] = "0", ["DOTNET_TieredCompilation"] = "0" });
        await using RawConnection alice = await HelloAsync(hub);
        await using RawConnection bob = await HelloAsync(hub);
        await using RawConnection slow = await (await RawConnection.ConnectAsync(hub.Endpoint, receiveBufferBytes: 16_384)).HelloAsync();
        await using RawConnection sender = await HelloAsync(hub);
        ulong had = Limit(hub.Mds.Id, (ulong)AddressBytes(hub.Mds.Id) + MoreBytes);

        byte[] body = Frames.Pattern(Frames.MaxBodyBytes);
        byte[] flood = Frames.Join([.. Enumerable.Range(0, 256).Select(_ => Frames.Relay(slow.UserId, body))]);
        Task sending = sender.SendAsync(flood, TimeSpan.FromSeconds(60));
        await hub.Mds.WaitForErrorAsync("gives no more memory: ");

        // Users who need little go on, and nobody's thread goes round and round for what there is not.
        var before = ProcessorTime(hub.Mds.Id);
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; i < 20; i++)
        {
            await alice.SendAsync(Frames.Relay(bob.UserId, Frames.Pattern(100, i), (ulong)i));
            await bob.ExpectAsync(Frames.Delivery(alice.UserId, Frames.Pattern(100, i)));
            await alice.ExpectAsync(Frames.Receipt((ulong)i, Outcome.Accepted));
            await Task.Delay(50);
        }

        double busy = (ProcessorTime(hub.Mds.Id) - before) / Stopwatch.GetElapsedTime(began);
        Assert.True(busy < 0.5, $"The hub kept {busy:P0} of a processor busy while it had nothing to do.");

        // Who takes nothing is cut off as at the limit; then all of the rest goes through, to nobody.
        await sending;
        await sender.SendAsync(Frames.Relay(alice.UserId, body));
        await alice.ExpectAsync(Frames.Delivery(sender.UserId, body));

        Limit(hub.Mds.Id, had);
        await hub.Mds.WaitForErrorAsync("gives memory again");
        await using RawConnection late = await HelloAsync(hub);
        await late.SendAsync(Frames.Echo(body));
        await late.ExpectAsync(Frames.EchoReply(body));
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    private static async Task<RawConnection> HelloAsync(HubProcess hub) =>
        await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();

    private static long AddressBytes(int process) =>
        long.Parse(File.ReadAllText($"/proc/{process}/statm").Split(' ')[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

    private static TimeSpan ProcessorTime(int process)
    {
        using var running = Process.GetProcessById(process);
        return running.TotalProcessorTime;
    }

    /// <summary>Limits the addresses a process may have; returns what it was allowed before.</summary>
    private static unsafe ulong Limit(int process, ulong bytes)
    {
        ulong* before = stackalloc ulong[2];
        Assert.Equal(0, GetOrSetLimit(process, AddressSpace, null, before));
        ulong* limit = stackalloc ulong[2] { bytes, before[1] };
        Assert.Equal(0, GetOrSetLimit(process, AddressSpace, limit, null));
        return before[0];
    }

    [LibraryImport("libc", EntryPoint = "prlimit")]
    private static unsafe partial int GetOrSetLimit(int process, int resource, ulong* limit, ulong* before);
}
