using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What the command says about itself, and whether its examples work.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class HelpTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds-help");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("there is no verb 'nope'. Try 'mds help'.", "nope")]
    [InlineData("there is no verb 'relya'; did you mean 'relay'? Try 'mds help'.", "relya")]
    [InlineData("'mds token' has no verb 'ad'; did you mean 'add'? Try 'mds help'.", "token", "ad")]
    [InlineData("'mds relay' has no verb 'add'. Try 'mds help'.", "relay", "add")]
    public async Task Help_for_what_there_is_not_is_an_error(string error, params string[] verb)
    {
        var result = await MdsProcess.RunAsync(["help", .. verb]);
        Assert.Equal(((int)ExitCode.Usage, $"mds: {error}\n", ""), (result.ExitCode, result.Error, result.Text));
    }

    [Fact]
    public async Task Help_is_listed_and_knows_verbs_of_verbs()
    {
        Assert.Contains("\n  help ", (await MdsProcess.RunAsync("help")).Text, StringComparison.Ordinal);
        var pairs = await MdsProcess.RunAsync("help", "bench", "pairs");
        Assert.Equal((0, ""), (pairs.ExitCode, pairs.Error));
        Assert.Equal(pairs.Text, (await MdsProcess.RunAsync("bench", "pairs", "--help")).Text);
        Assert.Contains("mds help relay", (await MdsProcess.RunAsync("help", "help")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mds: there is no verb 'lisen'; did you mean 'listen'? Try 'mds --help'.\n", "lisen")]
    [InlineData("mds: 'mds bench' has no verb 'mehs'; did you mean 'mesh'? Try 'mds bench --help'.\n", "bench", "mehs")]
    public async Task A_verb_that_there_is_not_is_an_error_that_names_the_nearest(string error, params string[] arguments)
    {
        var result = await MdsProcess.RunAsync(arguments);
        Assert.Equal(((int)ExitCode.Usage, error, ""), (result.ExitCode, result.Error, result.Text));
    }

    [Fact]
    public async Task The_example_that_says_something_to_everybody_works_with_nobody_there_and_with_two()
    {
        string example = (await MdsProcess.RunAsync("list", "--help")).Text.Split('\n').Single(line => line.Contains("hello everybody", StringComparison.Ordinal)).Trim();
        string mds = Path.Combine(_directory.FullName, "mds");
        await File.WriteAllTextAsync(mds, $"#!/bin/sh\nexec '{MdsProcess.Program}' \"$@\"\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(mds, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        await using var hub = await HubProcess.StartAsync();
        var alone = await ShellAsync(hub, example);
        Assert.Equal((0, "", ""), (alone.ExitCode, alone.Error, alone.Text));

        var (first, firstId) = await hub.ListenAsync("--count", "1");
        await using var _ = first;
        var (second, secondId) = await hub.ListenAsync("--count", "1");
        await using (second)
        {
            var sent = await ShellAsync(hub, example);
            Assert.Equal((0, "", $"{firstId}: accepted\n{secondId}: accepted\n"), (sent.ExitCode, sent.Error, sent.Text));
            Assert.EndsWith(": hello everybody\n", (await first.EndAsync()).Text, StringComparison.Ordinal);
            Assert.EndsWith(": hello everybody\n", (await second.EndAsync()).Text, StringComparison.Ordinal);
        }
    }

    private async Task<MdsResult> ShellAsync(HubProcess hub, string line)
    {
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = $"{_directory.FullName}:{Environment.GetEnvironmentVariable("PATH")}",
            ["MDS_HUB"] = $"{hub.Endpoint}",
        };
        await using var shell = MdsProcess.Start(["-c", line], environment, program: "/bin/sh");
        return await shell.EndAsync();
    }
}
