namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>SIGHUP to <c>mds serve</c>: all that is new is in force, or nothing is.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class ReloadTests : IDisposable
{
    private const int SigHup = 1;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_new_log_level_is_in_force_and_nobody_is_dropped()
    {
        Write("""{ "port": 0, "logLevel": "information" }""");
        await using var hub = await StartAsync();
        var (listener, id) = await hub.ListenAsync();
        await using (listener)
        {
            Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
            Write("""{ "port": 0, "logLevel": "debug", "logFormat": "json" }""");
            hub.Mds.Signal(SigHup);
            await hub.Mds.WaitForErrorAsync("Reloaded; changed: log-level debug, log-format json");
            Assert.DoesNotContain("joined from", hub.Mds.Error, StringComparison.Ordinal);
            // A level that has just changed may go unnoticed for some hundredths of a second.
            for (int tries = 0; !hub.Mds.Error.Contains("\"event\":\"UserJoined\"", StringComparison.Ordinal); tries++)
            {
                Assert.InRange(tries, 0, 100);
                Assert.Equal(0, (await hub.RunAsync("relay", "--to", id, "still there?")).ExitCode);
            }

            Assert.DoesNotContain("\"event\":\"UserLeft\",\"message\":\"User 1 ", hub.Mds.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_wrong_changes_nothing_and_all_of_it_is_said()
    {
        Write("""{ "port": 0 }""");
        await using var hub = await StartAsync();
        Write("""{ "port": 0, "logLevel": "debug", "queueLimit": "many", "colour": 1 }""");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("Not reloaded, everything stays as it was: 'colour' in mds.json is not a setting");
        await hub.Mds.WaitForErrorAsync("Not reloaded, everything stays as it was: queue-limit (from queueLimit in mds.json) is 'many'");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);

        Write("""{ "port": 0, "auditLog": "/nowhere/audit.log", "logLevel": "debug" }""");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("the audit log /nowhere/audit.log cannot be written");

        // What is logged of this one would come before what the next reload says.
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        Write("""{ "port": 0 }""");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("Reloaded; changed: no setting");
        Assert.DoesNotContain("joined from", hub.Mds.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_needs_a_restart_is_named()
    {
        Write("""{ "port": 0, "queueLimit": "1MiB" }""");
        await using var hub = await StartAsync();
        Write("""{ "port": 0, "queueLimit": "2MiB", "heartbeat": "5s", "logLevel": "debug" }""");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("queue-limit is now '2MiB' and was '1MiB': it needs a restart");
        await hub.Mds.WaitForErrorAsync("heartbeat is now '5s' and was '30s': it needs a restart");
        await hub.Mds.WaitForErrorAsync("Reloaded; changed: log-level debug");
    }

    [Fact]
    public async Task The_command_line_stays_stronger()
    {
        Write("""{ "logLevel": "debug" }""");
        await using var hub = await StartAsync("--port", "0", "--log-level", "warning");
        Write("""{ "logLevel": "trace", "maxConnections": 9 }""");
        hub.Mds.Signal(SigHup);
        await hub.Mds.WaitForErrorAsync("max-connections is now '9' and was 'what the file descriptors allow': it needs a restart");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.DoesNotContain("joined from", (await hub.Mds.EndAsync()).Error, StringComparison.Ordinal);
    }

    private Task<HubProcess> StartAsync(params string[] options) => HubProcess.StartAsync(["serve", .. options], null, _directory.FullName);

    private void Write(string json) => File.WriteAllText(Path.Combine(_directory.FullName, "mds.json"), json);
}
