using System.Globalization;
using System.Text.Json;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>Receivers that never acknowledge, and senders that want to know: what is kept for them is in the memory limit.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class ConfirmAttackTests
{
    private const long MemoryLimit = 64 << 20;

    /// <summary>
    /// What the rest of a process may take: the runtime's heap, its code, the connections, and whatever measures coverage. What nobody
    /// counted was several times as much.
    /// </summary>
    private const long BesideMessages = 128 << 20;

    [Fact]
    public async Task Who_never_acknowledges_takes_no_more_than_the_memory_limit()
    {
        // The limit of one queue is far away: memory is all that holds them back.
        await using HubProcess hub = await HubProcess.StartAsync("--memory-limit", "64MiB", "--queue-limit", "8GiB", "--confirm-timeout", "1h");
        long before = PeakBytes(hub.Mds.Id);

        MdsResult result = await Attacking.AttackAsync(
            hub.Endpoint.ToString(), ["--only", "never-acknowledged", "--seconds", "5", "--connections", "16", "--longest-gap", "1m", "--json"]);

        long peak = PeakBytes(hub.Mds.Id);
        Assert.InRange(peak - before, 0, MemoryLimit + BesideMessages);
        JsonElement attack = Attacking.Report(result).GetProperty("attacks")[0];
        Assert.True(attack.GetProperty("tried").GetProperty("requests").GetInt64() > 20_000, attack.ToString());
    }

    private static long PeakBytes(int process)
    {
        const string Field = "VmHWM:";
        string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(Field, StringComparison.Ordinal));
        return long.Parse(line[Field.Length..^"kB".Length], CultureInfo.InvariantCulture) << 10;
    }
}
