using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds check-config</c> as a process.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class CheckConfigTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Says_what_is_in_force_and_where_it_came_from()
    {
        string file = Write("""{ "queueLimit": "1MiB", "maxConnections": 11, "listen": ["[::1]:1"] }""");
        var result = await RunAsync(new() { ["MDS_MAX_CONNECTIONS"] = "22", ["MDS_LOG_LEVEL"] = "debug" }, "--config", file, "--port", "1234");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        string[][] rows = [.. result.Text.Split('\n').Select(line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
        Assert.Equal([$"configuration file {file}"], rows[0]);
        Assert.Contains(rows, row => row is ["queue-limit", "1MiB", var from] && from == $"from queueLimit in {file}");
        Assert.Contains(rows, row => row is ["max-connections", "22", "from the environment variable MDS_MAX_CONNECTIONS"]);
        Assert.Contains(rows, row => row is ["log-level", "debug", "from the environment variable MDS_LOG_LEVEL"]);
        Assert.Contains(rows, row => row is ["port", "1234", "from --port"]);
        Assert.Contains(rows, row => row is ["heartbeat", "30s", "default"]);
        Assert.DoesNotContain(rows, row => row is ["listen", ..]);
    }

    [Fact]
    public async Task Without_any_setting_it_prints_the_defaults()
    {
        var result = await RunAsync([]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.StartsWith("no configuration file\n", result.Text, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:8888", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_all_problems_at_once()
    {
        string file = Write("""{ "queueLimit": "many", "colour": 1, "listen": ["0.0.0.0:1"] }""");
        var result = await RunAsync(new() { ["MDS_HEARTBEAT"] = "1.5s", ["MDS_PASSWORD"] = "hunter2" }, "--config", file, "--log-level", "loud");
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.Equal(
            [
                $"mds: 'colour' in {file} is not a setting; 'mds serve --help' lists them",
                $"mds: queue-limit (from queueLimit in {file}) is 'many': a size is written like 64MiB, 64KiB, 1GiB or 1048576",
                "mds: the environment variable MDS_PASSWORD is not a setting; 'mds serve --help' lists them",
                "mds: heartbeat (from the environment variable MDS_HEARTBEAT) is '1.5s': it must be a number of whole seconds",
                "mds: log-level (from --log-level) is 'loud': it must be one of trace, debug, information, warning, error, critical, none",
            ],
            result.Error.TrimEnd('\n').Split('\n').Where(line => !line.Contains("not a loopback", StringComparison.Ordinal)));
        Assert.Contains($"mds: listen (from listen in {file}) names 0.0.0.0:1, which is not a loopback address", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "port": 1""", "is not valid json, line 1: ")]
    [InlineData("""{ "port": 1, "listen": ["127.0.0.1:2"] }""", "exclude each other")]
    public async Task A_broken_file_is_a_problem_like_others(string json, string problem)
    {
        var result = await RunAsync([], "--config", Write(json), "--heartbeat", "x");
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains(problem, result.Error, StringComparison.Ordinal);
        Assert.Contains("heartbeat (from --heartbeat)", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_a_problem()
    {
        var result = await RunAsync([], "--config", "/nowhere/mds.json");
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.StartsWith("mds: the configuration file /nowhere/mds.json cannot be read", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Looks_at_the_files_that_settings_name_and_makes_none()
    {
        string missing = Path.Combine(_directory.FullName, "no", "audit.log");
        var result = await RunAsync([], "--audit-log", missing);
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Equal($"mds: the audit log {missing} cannot be written: its directory does not exist\n", result.Error);

        string possible = Path.Combine(_directory.FullName, "audit.log");
        Assert.Equal(0, (await RunAsync([], "--audit-log", possible)).ExitCode);
        Assert.False(File.Exists(possible));
    }

    [Fact]
    public async Task Serve_says_the_first_of_the_same_problems()
    {
        var result = await MdsProcess.RunAsync("serve", "--heartbeat", "x", "--log-level", "y");
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
    }

    private string Write(string json)
    {
        string file = Path.Combine(_directory.FullName, "other.json");
        File.WriteAllText(file, json);
        return file;
    }

    private Task<MdsResult> RunAsync(Dictionary<string, string> environment, params string[] options) =>
        MdsProcess.RunAsync(["check-config", .. options], [], environment, _directory.FullName);
}
