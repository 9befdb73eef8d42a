using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MessageDelivery.Cli;
using MessageDelivery.Client;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds serve</c> as a process: what it prints, how it is told things, how it ends.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class ServeTests : IDisposable
{
    private const int Messages = 24;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Says_where_it_listens_and_ends_with_0_on_SIGTERM()
    {
        await using var hub = await HubProcess.StartAsync();
        Assert.Equal(IPAddress.Loopback, hub.Endpoint.Address);
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Null(await hub.Mds.ReadLineAsync());
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Ends_with_0_on_Ctrl_C()
    {
        await using var hub = await HubProcess.StartAsync();
        hub.Mds.Signal(MdsProcess.SigInt);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    [Theory]
    [InlineData("--port", "0")]
    [InlineData("--port=0")]
    [InlineData("-port", "0")]
    [InlineData("-port=0")]
    public async Task The_port_has_four_spellings(params string[] port)
    {
        await using var hub = await HubProcess.StartAsync(["serve", .. port], null);
        Assert.Equal("1\n", (await hub.RunAsync("identity")).Text);
    }

    [Fact]
    public async Task Listens_on_each_endpoint_it_is_told()
    {
        await using var hub = await HubProcess.StartAsync(["serve", "--listen", "127.0.0.1:0", "--listen", "[::1]:0"], null);
        string? second = await hub.Mds.ReadLineAsync();
        Assert.StartsWith("listening on [::1]:", second, StringComparison.Ordinal);
        var result = await MdsProcess.RunAsync("identity", "--hub", second!["listening on ".Length..]);
        Assert.Equal(("1\n", 0), (result.Text, result.ExitCode));
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_and_its_exit_code()
    {
        await using var hub = await HubProcess.StartAsync();
        var result = await MdsProcess.RunAsync("serve", "--port", $"{hub.Endpoint.Port}", "--log-level", "none");
        Assert.Equal((int)ExitCode.CannotListen, result.ExitCode);
        Assert.Equal($"mds: cannot listen on {hub.Endpoint}: Address already in use\n", result.Error);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("mds: heartbeat (from --heartbeat) is '1.5s': it must be a number of whole seconds", "--heartbeat", "1.5s")]
    [InlineData("mds: listen (from --listen) names 0.0.0.0:0, which is not a loopback address", "--listen", "0.0.0.0:0")]
    [InlineData("mds: port (from --port) and listen (from --listen) exclude each other", "--port", "1", "--listen", "127.0.0.1:2")]
    [InlineData("mds: the configuration file /nowhere/mds.json cannot be read", "--config", "/nowhere/mds.json")]
    [InlineData("mds: unknown option '--colour'", "--colour")]
    [InlineData("mds: Option '--port' expects a single argument but 2 were provided", "--port", "1", "--port", "2")]
    [InlineData("mds: Required argument missing for option: '--queue-limit'", "--queue-limit")]
    public async Task What_cannot_be_is_one_line_and_exit_code_2(string error, params string[] options)
    {
        var result = await MdsProcess.RunAsync(["serve", .. options]);
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.StartsWith(error, result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Command_line_over_environment_over_file()
    {
        // The limit of connections that the hub logs tells which one won.
        File.WriteAllText(Path.Combine(_directory.FullName, "mds.json"), """{ "maxConnections": 11, "logFormat": "json" }""");
        var environment = new Dictionary<string, string> { ["MDS_MAX_CONNECTIONS"] = "22" };
        Assert.Equal(11, await MaxConnectionsAsync([], null));
        Assert.Equal(22, await MaxConnectionsAsync([], environment));
        Assert.Equal(33, await MaxConnectionsAsync(["--max-connections", "33"], environment));
    }

    [Fact]
    public async Task Config_names_another_file()
    {
        string file = Path.Combine(_directory.FullName, "other.json");
        File.WriteAllText(file, """{ "maxConnections": 44, "logFormat": "json" }""");
        File.WriteAllText(Path.Combine(_directory.FullName, "mds.json"), """{ "maxConnections": "not read" }""");
        Assert.Equal(44, await MaxConnectionsAsync(["--config", file], null));
        Assert.Equal(44, await MaxConnectionsAsync([], new Dictionary<string, string> { ["MDS_CONFIG"] = file }));
    }

    [Fact]
    public async Task A_port_on_the_command_line_replaces_the_endpoints_of_the_file()
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "mds.json"), """{ "listen": ["[::1]:0"] }""");
        await using (var fromFile = await HubProcess.StartAsync(["serve"], null, _directory.FullName))
        {
            Assert.Equal(IPAddress.IPv6Loopback, fromFile.Endpoint.Address);
        }

        await using var hub = await HubProcess.StartAsync(["serve", "--port", "0"], null, _directory.FullName);
        Assert.Equal(IPAddress.Loopback, hub.Endpoint.Address);
    }

    [Fact]
    public async Task Collectors_of_metrics_find_it()
    {
        // A process of the same number may have left one behind. The times of files are those of the kernel's last tick.
        var before = DateTime.UtcNow - TimeSpan.FromSeconds(1);
        await using var hub = await HubProcess.StartAsync();
        Assert.Contains(Directory.GetFiles(Path.GetTempPath(), $"dotnet-diagnostic-{hub.Mds.Id}-*-socket"), path => File.GetLastWriteTimeUtc(path) >= before);
    }

    [Fact]
    public async Task Log_level_none_says_nothing()
    {
        await using var hub = await HubProcess.StartAsync("--log-level", "none");
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal("", (await hub.Mds.EndAsync()).Error);
    }

    [Fact]
    public async Task A_stopping_hub_still_sends_what_is_queued()
    {
        await using var hub = await HubProcess.StartAsync();
        using var receiver = await UnreadTextUserAsync(hub);
        await using var sender = await HubClient.ConnectAsync($"{hub.Endpoint}");
        await QueueForAsync(sender);
        hub.Mds.Signal(MdsProcess.SigTerm);
        using var all = new MemoryStream();
        await receiver.GetStream().CopyToAsync(all);
        byte[] received = all.ToArray();
        Assert.Equal(Messages << 20, received.Count(b => b == (byte)'x'));
        Assert.Contains("[Server] ", Encoding.UTF8.GetString(received.AsSpan()[^200..]), StringComparison.Ordinal);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_second_signal_drops_what_is_queued()
    {
        await using var hub = await HubProcess.StartAsync("--drain-timeout", "1h");
        using var receiver = await UnreadTextUserAsync(hub);
        await using var sender = await HubClient.ConnectAsync($"{hub.Endpoint}");
        await QueueForAsync(sender);

        hub.Mds.Signal(MdsProcess.SigTerm);
        await hub.Mds.WaitForErrorAsync("Stopping: ");
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    /// <summary>More than the sockets between the hub and user 1 can hold, and less than the hub's queue for it.</summary>
    private static async Task QueueForAsync(HubClient sender)
    {
        byte[] body = new byte[1 << 20];
        body.AsSpan().Fill((byte)'x');
        for (int i = 0; i < Messages; i++)
        {
            Assert.True((await sender.RelayWithReceiptAsync(1, body)).AllAccepted);
        }
    }

    private static async Task<TcpClient> UnreadTextUserAsync(HubProcess hub)
    {
        var user = new TcpClient();
        await user.ConnectAsync(hub.Endpoint);
        await user.GetStream().WriteAsync("identity\n"u8.ToArray());
        byte[] answer = new byte["[Server] Your ID is 1\n".Length];
        await user.GetStream().ReadExactlyAsync(answer);
        Assert.Equal("[Server] Your ID is 1\n", Encoding.ASCII.GetString(answer));
        return user;
    }

    private async Task<int> MaxConnectionsAsync(string[] options, Dictionary<string, string>? environment)
    {
        var all = new Dictionary<string, string>(environment ?? []) { ["MDS_PORT"] = "0" };
        await using var hub = await HubProcess.StartAsync(["serve", .. options], all, _directory.FullName);
        hub.Mds.Signal(MdsProcess.SigTerm);
        string log = (await hub.Mds.EndAsync()).Error;
        foreach (string line in log.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var entry = JsonDocument.Parse(line);
            if (entry.RootElement.GetProperty("values").TryGetProperty("MaxConnections", out var most))
            {
                return most.GetInt32();
            }
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"No limit of connections in the log: {log}"));
    }
}
