using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>A client that has no free file descriptor when it wants to connect again.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class DescriptorShortageTests
{
    private const int OpenFiles = 7;

    [Fact]
    public async Task A_client_without_a_free_descriptor_goes_on_trying()
    {
        await using var first = await StartAsync("0");
        await using var listener = first.Start("listen", "--count", "1");
        await listener.WaitForErrorAsync("listening as user ");

        // Once with descriptors, so that everything is loaded that needs one for that.
        string port = $"{first.Endpoint.Port}";
        await EndAsync(first);
        await using var second = await StartAsync(port);
        await listener.WaitForErrorAsync("connected again");

        ulong before = Limit(listener, 0);
        await EndAsync(second);
        await using var third = await StartAsync(port);

        // It has tried, and the hub is there: but for a descriptor it would be connected.
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.Equal("", (await third.RunAsync("list")).Text);
        Limit(listener, before);
        string users = "";
        var patience = Stopwatch.StartNew();
        while (users.Length == 0 && patience.Elapsed < TimeSpan.FromSeconds(60))
        {
            users = (await third.RunAsync("list")).Text;
        }

        Assert.Equal(0, (await third.RunAsync("relay", "--to", users.Trim(), "after")).ExitCode);
        Assert.Matches(@"\A\d+: after\n\z", (await listener.EndAsync()).Text);
    }

    // An address of their own: on 127.0.0.1 somebody else could get the port between two hubs.
    private static Task<HubProcess> StartAsync(string port) => HubProcess.StartAsync(["serve", "--listen", $"127.0.0.4:{port}"], null);

    private static async Task EndAsync(HubProcess hub)
    {
        hub.Mds.Signal(MdsProcess.SigTerm);
        await hub.Mds.EndAsync();
    }

    /// <summary>Sets how many file descriptors it may have; those that are open stay open. Returns how many that was before.</summary>
    private static ulong Limit(MdsProcess process, ulong descriptors)
    {
        var limits = new ulong[2];
        Assert.Equal(0, GetLimits(process.Id, OpenFiles, IntPtr.Zero, limits));
        ulong before = limits[0];
        limits[0] = descriptors;
        Assert.Equal(0, SetLimits(process.Id, OpenFiles, limits, IntPtr.Zero));
        Assert.Equal(
            descriptors.ToString(CultureInfo.InvariantCulture),
            File.ReadLines($"/proc/{process.Id}/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]);
        return before;
    }

    [LibraryImport("libc", EntryPoint = "prlimit")]
    private static partial int GetLimits(int process, int resource, IntPtr limits, [Out] ulong[] before);

    [LibraryImport("libc", EntryPoint = "prlimit")]
    private static partial int SetLimits(int process, int resource, [In] ulong[] limits, IntPtr before);
}
