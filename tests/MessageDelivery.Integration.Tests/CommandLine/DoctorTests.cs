using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds doctor</c> as a process.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class DoctorTests
{
    [Fact]
    public async Task Looks_at_everything_and_gives_each_a_level()
    {
        var (findings, exitCode) = await RunAsync("--port", "0");
        Assert.Equal(
            ["file-descriptors", "backlog", "memory", "send-buffer", "clock", "port"], findings.Select(finding => finding.Check).Distinct());
        Assert.All(findings, finding => Assert.Contains(finding.Level, (string[])["ok", "warn", "fail"]));
        Assert.Equal(findings.Any(finding => finding.Level == "fail") ? 1 : 0, exitCode);
    }

    [Fact]
    public async Task What_has_failed_is_exit_code_1_with_a_remedy()
    {
        var result = await MdsProcess.RunAsync("doctor", "--port", "0", "--max-connections", "10000000", "--memory-limit", "16TiB");
        Assert.Equal((int)ExitCode.CheckFailed, result.ExitCode);
        Assert.Contains("fail  file-descriptors  max-connections is 10,000,000, and the ", result.Text, StringComparison.Ordinal);
        Assert.Contains("-> raise the hard limit: LimitNOFILE=", result.Text, StringComparison.Ordinal);
        Assert.Contains("fail  memory            memory-limit 16TiB is more than the ", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_that_runs_where_the_settings_say_is_found()
    {
        await using var hub = await HubProcess.StartAsync();
        var (findings, _) = await RunAsync("--port", $"{hub.Endpoint.Port}");
        Assert.Contains(findings, finding => finding is { Check: "port", Level: "ok" } && finding.Text == $"a hub is running on {hub.Endpoint}");
        Assert.Contains(findings, finding => finding is { Check: "exposure", Level: "ok" } && finding.Text == $"the hub at {hub.Endpoint} lets everybody on this machine in");
    }

    [Fact]
    public async Task A_hub_that_is_named_is_all_it_looks_at()
    {
        await using var hub = await HubProcess.StartAsync();
        var (findings, exitCode) = await RunAsync($"{hub.Endpoint}");
        Assert.Equal(["exposure", "http"], findings.Select(finding => finding.Check));
        Assert.Equal(0, exitCode);
    }

    [Fact]
    public async Task No_hub_where_one_was_named_has_failed()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var (findings, exitCode) = await RunAsync($"{bound.LocalEndPoint}");
        Assert.Equal(1, exitCode);
        Assert.Contains(findings, finding => finding is { Level: "fail" } && finding.Text.StartsWith($"no hub answers at {bound.LocalEndPoint}: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_port_that_another_program_has_is_a_failure()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();
        using var stop = new CancellationTokenSource();
        var serving = ServeNonsenseAsync(other, stop.Token);
        int port = ((IPEndPoint)other.LocalEndPoint!).Port;
        var (findings, exitCode) = await RunAsync("--port", $"{port}");
        Assert.Equal(1, exitCode);
        Assert.Contains(findings, finding => finding is { Check: "port", Level: "fail" } && finding.Text.Contains("does not answer like a hub", StringComparison.Ordinal));
        await stop.CancelAsync();
        await serving;
    }

    [Fact]
    public async Task Addresses_that_are_not_of_this_machine_are_a_failure()
    {
        var (findings, exitCode) = await RunAsync("--listen", "192.0.2.1:8888", "--allow-anonymous");
        Assert.Equal(1, exitCode);
        Assert.Contains(findings, finding => finding is { Check: "port", Level: "fail", Text: "192.0.2.1:8888 is no address of this machine" });
    }

    [Fact]
    public async Task Wrong_settings_and_a_wrong_address_are_exit_code_2()
    {
        Assert.Equal((int)ExitCode.Usage, (await MdsProcess.RunAsync("doctor", "--heartbeat", "x")).ExitCode);
        Assert.Equal((int)ExitCode.Usage, (await MdsProcess.RunAsync("doctor", "::::")).ExitCode);
    }

    private static async Task<(List<(string Check, string Level, string Text)> Findings, int ExitCode)> RunAsync(params string[] options)
    {
        var result = await MdsProcess.RunAsync(["doctor", "--json", .. options]);
        Assert.Empty(result.Error);
        var findings = JsonDocument.Parse(result.Text).RootElement.GetProperty("findings").EnumerateArray();
        return ([.. findings.Select(finding => (Of(finding, "check"), Of(finding, "level"), Of(finding, "text")))], result.ExitCode);

        static string Of(JsonElement finding, string name) => finding.GetProperty(name).GetString()!;
    }

    private static async Task ServeNonsenseAsync(Socket listener, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptAsync(cancellation);
                await client.SendAsync("220 mail.example ESMTP\r\n"u8.ToArray());
                client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
