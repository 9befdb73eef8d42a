using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds serve --audit-log</c> as a process: who came, was refused, went and was removed.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class AuditLogTests : IDisposable
{
    private const int SigHup = 1;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    private string LogFile => Path.Combine(_directory.FullName, "audit.log");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Who_comes_and_goes_is_a_line_each()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", LogFile);
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        var lines = await LinesAsync(hub);
        Assert.Equal(["joined", "left"], lines.Select(Event));
        Assert.All(lines, line =>
        {
            Assert.Equal(1UL, line.GetProperty("user_id").GetUInt64());
            Assert.Equal("binary", line.GetProperty("protocol").GetString());
            Assert.StartsWith("127.0.0.1:", line.GetProperty("peer").GetString(), StringComparison.Ordinal);
            Assert.False(line.GetProperty("tls").GetBoolean());
            Assert.True(line.GetProperty("time").GetDateTime() > DateTime.UtcNow.AddMinutes(-5));
        });
        Assert.Equal(lines[0].GetProperty("peer").GetString(), lines[1].GetProperty("peer").GetString());
        Assert.Equal("left", Reason(lines[1]));
    }

    [Fact]
    public async Task Who_is_refused_and_removed_is_a_line_with_the_reason()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", LogFile);
        await TalkAsync(hub, "GET / HTTP/2.0\r\n\r\n"u8.ToArray());
        await TalkAsync(hub, [0x01, 0, 9, 0, 4, 0, 0, 0, 0x4d, 0x44, 0x53, 0x31]);
        await TalkAsync(hub, "identity\n"u8.ToArray());

        // A HELLO, then a frame that is longer than any may be.
        await TalkAsync(hub, [0x01, 0, 1, 0, 4, 0, 0, 0, 0x4d, 0x44, 0x53, 0x31, 0x02, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]);
        var lines = await LinesAsync(hub);
        Assert.Equal(
            ["refused unsupported", "refused unsupported", "joined ", "left left", "joined ", "removed frame_too_large"],
            lines.Select(line => $"{Event(line)} {Reason(line)}"));
        Assert.False(lines[0].TryGetProperty("user_id", out _));
        Assert.Equal("text", lines[2].GetProperty("protocol").GetString());
        Assert.Equal("binary", lines[4].GetProperty("protocol").GetString());
    }

    [Fact]
    public async Task Connections_beyond_the_limit_are_refused_with_their_address()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", LogFile, "--max-connections", "1");
        var (listener, _) = await hub.ListenAsync();
        await using (listener)
        {
            Assert.Equal((int)ExitCode.Refused, (await hub.RunAsync("identity")).ExitCode);
        }

        var lines = await LinesAsync(hub);
        var refused = Assert.Single(lines, line => Event(line) == "refused");
        Assert.Equal("too_many_connections", Reason(refused));
        Assert.StartsWith("127.0.0.1:", refused.GetProperty("peer").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_connection_its_return_and_its_end_are_lines()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", LogFile);
        var (listener, _) = await hub.ListenAsync();
        listener.Signal(MdsProcess.SigKill);
        await listener.DisposeAsync();
        var lines = await LinesAsync(hub);
        Assert.Equal(["joined", "away", "left"], lines.Select(Event));
        Assert.Equal("shutting_down", Reason(lines[2]));
    }

    [Fact]
    public async Task SIGHUP_opens_the_file_again()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", LogFile);
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        string rotated = $"{LogFile}.1";
        File.Move(LogFile, rotated);
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("Reloaded;");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        var lines = await LinesAsync(hub);
        Assert.Contains(lines, line => Event(line) == "joined" && line.GetProperty("user_id").GetUInt64() == 2);
        Assert.DoesNotContain(lines, line => Event(line) == "joined" && line.GetProperty("user_id").GetUInt64() == 1);
        Assert.Contains("\"joined\",\"user_id\":1,", File.ReadAllText(rotated), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reload_that_fails_opens_the_file_again_all_the_same()
    {
        string config = Path.Combine(_directory.FullName, "mds.json");
        File.WriteAllText(config, $$"""{ "port": 0, "auditLog": "{{LogFile}}" }""");
        await using var hub = await HubProcess.StartAsync(["serve", "--config", config], null);
        File.Move(LogFile, $"{LogFile}.1");
        File.WriteAllText(config, """{ "port": "none" }""");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("Not reloaded");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        Assert.Contains(await LinesAsync(hub), line => Event(line) == "joined");
    }

    [Fact]
    public async Task The_hyphen_is_standard_output()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", "-");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        string? line = await hub.Mds.ReadLineAsync();
        Assert.Equal("joined", Event(JsonDocument.Parse(line!).RootElement));
    }

    [Fact]
    public async Task A_disk_that_is_full_loses_lines_and_says_so_and_the_hub_serves_on()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", "/dev/full");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        await hub.Mds.WaitForErrorAsync("the audit log /dev/full cannot be written: No space left on device");
        await hub.Mds.WaitForErrorAsync("Events that are missing in the audit log: ");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_an_error_at_start()
    {
        var result = await MdsProcess.RunAsync("serve", "--port", "0", "--audit-log", "/nowhere/audit.log");
        Assert.Equal((int)ExitCode.InputOutput, result.ExitCode);
        Assert.StartsWith("mds: the audit log /nowhere/audit.log cannot be written: ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task The_file_is_not_for_everybody()
    {
        await using var hub = await HubProcess.StartAsync("--audit-log", LogFile);
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(LogFile) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite));
    }

    private static async Task TalkAsync(HubProcess hub, byte[] bytes)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(hub.Endpoint);
        await socket.SendAsync(bytes);
        socket.Shutdown(SocketShutdown.Send);
        byte[] answer = new byte[4096];
        while (await socket.ReceiveAsync(answer) > 0)
        {
            // Until the hub closes: one follows the other.
        }
    }

    private static string Event(JsonElement line) => line.GetProperty("event").GetString()!;

    private static string? Reason(JsonElement line) => line.TryGetProperty("reason", out var reason) ? reason.GetString() : null;

    /// <summary>Stops the hub and reads what it has written.</summary>
    private async Task<List<JsonElement>> LinesAsync(HubProcess hub)
    {
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
        return [.. File.ReadLines(LogFile).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
