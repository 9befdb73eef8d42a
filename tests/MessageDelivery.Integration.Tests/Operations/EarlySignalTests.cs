using System.Globalization;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>Signals that come while a hub starts: none is lost, from the moment on in which the program has taken them over.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class EarlySignalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Milliseconds from that moment on: they spread over the time that a start takes.</summary>
    public static TheoryData<int> Moments => [0, 0, 2, 5, 10, 20, 40, 80];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task SIGHUP_is_remembered_and_the_settings_are_read_again_once_it_listens(int milliseconds)
    {
        await using var mds = MdsProcess.Start(["serve", "--port", "0"], readsLines: true);
        await IsCaughtAsync(mds, MdsProcess.SigHup);
        await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
        mds.Signal(MdsProcess.SigHup);
        Assert.StartsWith("listening on ", await mds.ReadLineAsync(), StringComparison.Ordinal);
        await mds.WaitForErrorAsync("Reloaded;").WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await mds.EndAsync()).ExitCode);
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task SIGTERM_and_Ctrl_C_stop_it_in_order(int milliseconds)
    {
        foreach (int signal in (int[])[MdsProcess.SigTerm, MdsProcess.SigInt])
        {
            await using var mds = MdsProcess.Start(["serve", "--port", "0"]);

            // Taken over together with this one; the runtime itself catches the others before.
            await IsCaughtAsync(mds, MdsProcess.SigHup);
            await Task.Delay(milliseconds, TestContext.Current.CancellationToken);
            mds.Signal(signal);
            var result = await mds.EndAsync();
            Assert.Equal((0, ""), (result.ExitCode, string.Concat(result.Error.Split('\n').Where(line => line.Contains("mds: ", StringComparison.Ordinal)))));
        }
    }

    [Fact]
    public async Task Many_signals_at_once_are_one_reload_or_a_few_and_none_ends_it()
    {
        await using var hub = await HubProcess.StartAsync();
        for (int i = 0; i < 1_000; i++)
        {
            hub.Mds.Signal(MdsProcess.SigHup);
        }

        await hub.Mds.WaitForErrorAsync("Reloaded;");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    /// <summary>Waits until the process handles a signal itself, as the kernel tells.</summary>
    private static async Task IsCaughtAsync(MdsProcess mds, int signal)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            string caught = (await File.ReadAllLinesAsync($"/proc/{mds.Id}/status", patience.Token)).Single(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
            if ((ulong.Parse(caught.Split('\t')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) != 0)
            {
                return;
            }
        }
    }
}
