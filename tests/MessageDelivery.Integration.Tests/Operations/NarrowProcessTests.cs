using System.Text.Json;
using MessageDelivery.Cli;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>A process that has less than usual: no standard streams, small stacks, files that may not grow, little address space.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class NarrowProcessTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    private string LogFile => Path.Combine(_directory.FullName, "audit.log");

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData(">&-")]
    [InlineData("2>&-")]
    [InlineData("<&-")]
    [InlineData(">&- 2>&-")]
    [InlineData("<&- >&-")]
    [InlineData("<&- >&- 2>&-")]
    public async Task A_hub_without_standard_streams_serves_and_ends_in_order(string closed)
    {
        // Which port was taken, only the audit can tell where nothing can be said.
        int port = FreePort();
        await using var mds = MdsProcess.Start(
            ["serve", "--port", $"{port}", "--audit-log", LogFile], shell: $"{MdsProcess.Exec} {closed}");
        MdsResult result;
        do
        {
            Assert.False(mds.Ended.IsCompleted, $"it has ended: {mds.Error}");
            result = await MdsProcess.RunAsync("echo", "--hub", $"127.0.0.1:{port}", "hello");
        }
        while (result.ExitCode == (int)ExitCode.ConnectionFailed);

        Assert.Equal((0, "hello\n"), (result.ExitCode, result.Text));
        mds.Signal(MdsProcess.SigHup);
        mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await mds.EndAsync()).ExitCode);
        Assert.Equal(["joined", "left"], File.ReadLines(LogFile).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()));
    }

    /// <summary>Each verb, as briefly as it can be asked for.</summary>
    public static TheoryData<string> Verbs =>
    [
        "identity", "list", "echo hello", "relay --to 1 hello", "listen --no-reconnect --count 1", "chat", "bench rtt --count 1 --warm-up 0", "attack --only http --seconds 1 --yes",
        "doctor", "check-config", "token list --file none", "--help", "--version", "nonsense", "serve --port nonsense",
    ];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_ends_as_it_does_with_streams(string verb)
    {
        string[] arguments = verb.Split(' ');
        await using var open = MdsProcess.Start(arguments, Nowhere, _directory.FullName);
        int expected = (await open.EndAsync()).ExitCode;
        foreach (string closed in (string[])[">&-", "2>&-", "<&- >&- 2>&-"])
        {
            await using var narrow = MdsProcess.Start(arguments, Nowhere, _directory.FullName, shell: $"{MdsProcess.Exec} {closed}");
            Assert.Equal((verb, closed, expected), (verb, closed, (await narrow.EndAsync()).ExitCode));
        }
    }

    private static Dictionary<string, string> Nowhere => new() { ["MDS_HUB"] = "127.0.0.1:1" };

    /// <summary>The runtime would keep the code that it compiles in a file of its own, which may not grow either.</summary>
    private static Dictionary<string, string> WithoutMappedFiles => new() { ["DOTNET_EnableWriteXorExecute"] = "0" };

    [Fact]
    public async Task A_file_that_may_not_grow_is_like_a_full_disk()
    {
        // In units of 512 bytes or of 1,024, as the shell has it.
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0", "--audit-log", LogFile], WithoutMappedFiles, shell: $"ulimit -f 1 && {MdsProcess.Exec}");
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        }

        await hub.Mds.WaitForErrorAsync($"the audit log {LogFile} cannot be written: File too large");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
    }

    [Fact]
    public async Task A_log_whose_file_may_not_grow_loses_lines_and_ends_nobody()
    {
        string log = Path.Combine(_directory.FullName, "log");
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0", "--log-level", "debug"], WithoutMappedFiles, shell: $"ulimit -f 1 && {MdsProcess.Exec} 2>> '{log}'");
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        }

        // Room again: what is logged from now on is written, and how much is missing is said.
        await File.WriteAllTextAsync(log, "", TestContext.Current.CancellationToken);
        while (!(await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken)).Contains("log lines that were dropped", StringComparison.Ordinal))
        {
            Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        }
    }

    [Fact]
    public async Task Output_to_a_file_that_may_not_grow_is_one_line_and_its_exit_code()
    {
        await using var mds = MdsProcess.Start(
            ["--help"], WithoutMappedFiles, shell: $"ulimit -f 1 && {MdsProcess.Exec} > '{Path.Combine(_directory.FullName, "help")}'");
        Assert.Equal(((int)ExitCode.InputOutput, "mds: standard output: File too large\n"), ((await mds.EndAsync()).ExitCode, mds.Error));
    }

    [Fact]
    public async Task A_key_may_come_through_a_pipe()
    {
        using var files = new ReadFiles("tls-key");
        await using var mds = MdsProcess.Start(
            ["serve", .. files.Options.Select(option => option == files.Path ? "/dev/stdin" : option), "--tls", "required"], readsLines: true);
        await mds.Input.WriteAsync(files.Good, TestContext.Current.CancellationToken);
        mds.Input.Close();
        Assert.StartsWith("listening on ", await mds.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Small_stacks_are_enough()
    {
        await using var hub = await HubProcess.StartAsync(["serve", "--port", "0"], null, shell: $"ulimit -s 128 && {MdsProcess.Exec}");
        await using var verb = MdsProcess.Start(["echo", "--hub", $"{hub.Endpoint}", "hello"], shell: $"ulimit -s 128 && {MdsProcess.Exec}");
        Assert.Equal("hello\n", (await verb.EndAsync()).Text);
    }

    [Theory]
    [InlineData(393_216, true)]
    [InlineData(2_097_152, false)]
    public async Task Little_address_space_is_enough(int kibibytes, bool isAsTheManualSays)
    {
        var environment = isAsTheManualSays
            ? new Dictionary<string, string> { ["MALLOC_ARENA_MAX"] = "1", ["DOTNET_GCRegionRange"] = "2000000" }
            : null;
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0", "--memory-limit", "16MiB"], environment, shell: $"ulimit -v {kibibytes} && {MdsProcess.Exec}");
        Assert.Equal(0, (await hub.RunAsync("echo", "hello")).ExitCode);
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_quarter_of_the_address_space_is_the_memory_for_messages()
    {
        await using var hub = await HubProcess.StartAsync(["serve", "--port", "0"], null, shell: $"ulimit -v 2097152 && {MdsProcess.Exec}");
        Assert.StartsWith("512MiB (536870912 bytes)", await hub.Mds.WaitForErrorAsync("Memory for messages: "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_truncated_in_place_goes_on_at_its_beginning()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", LogFile);
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        await FilledAsync("\"left\",\"user_id\":1,");
        File.Copy(LogFile, $"{LogFile}.1");
        using (var file = new FileStream(LogFile, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(0);
        }

        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        await FilledAsync("\"left\",\"user_id\":2,");
        Assert.StartsWith("{\"time\":", await File.ReadAllTextAsync(LogFile, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_hubs_that_write_to_one_file_overwrite_nothing()
    {
        await using var first = await HubProcess.StartAsync("--audit-log", LogFile);
        await using var second = await HubProcess.StartAsync("--audit-log", LogFile);
        foreach (var hub in (HubProcess[])[first, second, first, second])
        {
            Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        }

        foreach (var hub in (HubProcess[])[first, second])
        {
            hub.Mds.Signal(MdsProcess.SigTerm);
            Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
        }

        var events = File.ReadLines(LogFile).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("event").GetString()!).CountBy(name => name).ToDictionary();
        Assert.Equal((4, 4), (events.GetValueOrDefault("joined"), events.GetValueOrDefault("left")));
    }

    private static int FreePort()
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        return ((System.Net.IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private async Task FilledAsync(string text)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!(await File.ReadAllTextAsync(LogFile, patience.Token)).Contains(text, StringComparison.Ordinal))
        {
            await Task.Delay(5, patience.Token);
        }
    }
}
