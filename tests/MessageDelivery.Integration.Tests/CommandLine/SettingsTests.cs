using System.Net;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Limits;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The table of settings and the places they come from, without a process.</summary>
public sealed class SettingsTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    /// <summary>A value that each setting takes, and how to see it. A setting that is missing here fails <see cref="Every_setting_is_tested"/>.</summary>
    private static readonly Dictionary<string, (string Value, Func<ServeSettings, object?> Read, object? Expected)> Samples = new()
    {
        ["port"] = ("1234", settings => settings.Hub.Listen.Single().ToString(), "127.0.0.1:1234"),
        ["listen"] = ("127.0.0.1:1,[::1]:2", settings => string.Join(' ', settings.Hub.Listen), "127.0.0.1:1 [::1]:2"),
        ["allow-anonymous"] = ("true", settings => settings.Hub.AllowAnonymous, true),
        ["auth"] = ("jwt", settings => settings.Auth.Mode, AuthMode.Jwt),
        ["auth-tokens"] = ("tokens.json", settings => settings.Auth.TokensFile, "tokens.json"),
        ["jwt-keys"] = ("jwks.json", settings => settings.Auth.KeysFile, "jwks.json"),
        ["jwt-secret"] = ("secret", settings => settings.Auth.SecretFile, "secret"),
        ["jwt-issuer"] = ("https://issuer", settings => settings.Auth.Issuer, "https://issuer"),
        ["jwt-audience"] = ("hub", settings => settings.Auth.Audience, "hub"),
        ["jwt-clock-skew"] = ("5s", settings => settings.Auth.ClockSkew, TimeSpan.FromSeconds(5)),
        ["queue-limit"] = ("1KiB", settings => settings.Hub.QueueLimitBytes, 1024L),
        ["full-queue"] = ("leave-out", settings => settings.Hub.FullQueue, FullQueue.LeaveOut),
        ["stall-timeout"] = ("3s", settings => settings.Hub.StallTimeout, TimeSpan.FromSeconds(3)),
        ["max-connections"] = ("17", settings => settings.Hub.MaxConnections, 17),
        ["max-http-connections"] = ("4", settings => settings.Hub.MaxHttpConnections, 4),
        ["silent-users"] = ("off", settings => settings.Hub.SilentUsers, SilentUsers.Off),
        ["memory-limit"] = ("8MiB", settings => settings.Hub.MemoryLimitBytes, 8L << 20),
        ["send-buffer"] = ("64KiB", settings => settings.Hub.SendBufferBytes, 64 << 10),
        ["heartbeat"] = ("0", settings => settings.Hub.Heartbeat, TimeSpan.Zero),
        ["keepalive"] = ("45s", settings => settings.Hub.KeepAlive, TimeSpan.FromSeconds(45)),
        ["resume-window"] = ("90s", settings => settings.Hub.ResumeWindow, TimeSpan.FromSeconds(90)),
        ["resume-retention"] = ("1MiB", settings => settings.Hub.ResumeRetentionBytes, 1L << 20),
        ["confirm-timeout"] = ("5s", settings => settings.Hub.ConfirmTimeout, TimeSpan.FromSeconds(5)),
        ["drain-timeout"] = ("250ms", settings => settings.Hub.DrainTimeout, TimeSpan.FromMilliseconds(250)),
        ["event-loops"] = ("3", settings => settings.Hub.EventLoops, 3),
        ["log-level"] = ("Debug", settings => settings.LogLevel, LogLevel.Debug),
        ["audit-log"] = ("/var/log/audit.log", settings => settings.AuditLog, "/var/log/audit.log"),
        ["log-format"] = ("json", settings => settings.LogFormat, LogFormat.Json),
        ["max-connections-per-address"] = ("5", settings => settings.Hub.Limits.MaxConnectionsPerAddress, 5),
        ["connection-rate"] = ("6", settings => settings.Hub.Limits.ConnectionsPerSecond, 6),
        ["max-connections-per-user"] = ("7", settings => settings.Hub.Limits.MaxConnectionsPerUser, 7),
        ["handshake-timeout"] = ("3s", settings => settings.Hub.Limits.HandshakeTimeout, TimeSpan.FromSeconds(3)),
        ["auth-timeout"] = ("4s", settings => settings.Hub.Limits.AuthenticationTimeout, TimeSpan.FromSeconds(4)),
        ["relay-rate"] = ("1000", settings => settings.Hub.Limits.RelaysPerSecond, 1000L),
        ["byte-rate"] = ("1MiB", settings => settings.Hub.Limits.BytesPerSecond, 1L << 20),
        ["list-rate"] = ("8", settings => settings.Hub.Limits.ListsPerSecond, 8L),
        ["echo-rate"] = ("9", settings => settings.Hub.Limits.EchoesPerSecond, 9L),
        ["max-errors"] = ("0", settings => settings.Hub.Limits.MaxErrorsPerMinute, 0),
        ["least-progress"] = ("1KiB", settings => settings.Hub.Limits.MinProgressBytes, 1024),
        ["max-body"] = ("64KiB", settings => settings.Hub.Limits.MaxBodyBytes, 64 << 10),
        ["max-receivers"] = ("16", settings => settings.Hub.Limits.MaxReceivers, 16),
        ["ids"] = ("random", settings => settings.Hub.Limits.Ids, UserIdOrder.Random),
        ["allow-host"] = ("a.example,b.example", settings => string.Join(' ', settings.Hub.Http.AllowedHosts), "a.example b.example"),
        ["allow-origin"] = ("https://a.example,null", settings => string.Join(' ', settings.Hub.Http.AllowedOrigins), "https://a.example null"),
        ["trusted-proxy"] = ("10.0.0.0/8,::1", settings => string.Join(' ', settings.Hub.Http.TrustedProxies), "10.0.0.0/8 ::1/128"),
        ["tls"] = ("required", settings => settings.Tls.Mode, HubTlsMode.Required),
        ["tls-cert"] = ("hub.pem", settings => settings.Tls.Certificate, "hub.pem"),
        ["tls-key"] = ("hub.key", settings => settings.Tls.Key, "hub.key"),
        ["tls-pkcs12"] = ("hub.p12", settings => settings.Tls.Pkcs12, "hub.p12"),
        ["tls-pkcs12-password-file"] = ("password", settings => settings.Tls.Pkcs12PasswordFile, "password"),
        ["tls-client-ca"] = ("ca.pem", settings => settings.Tls.ClientAuthorities, "ca.pem"),
        ["tls-client-cert"] = ("optional", settings => settings.Tls.ClientCertificates, HubClientCertificates.Optional),
        ["dev-tls"] = ("true", settings => settings.Tls.IsThrowAway, true),
    };

    /// <summary>Values that cannot be, and the words that say why.</summary>
    public static TheoryData<string, string, string> Impossible => new()
    {
        { "port", "-1", "it must be a whole number from 0 to 65535" },
        { "port", "65536", "it must be a whole number from 0 to 65535" },
        { "port", "http", "it must be a whole number from 0 to 65535" },
        { "port", "", "it is empty" },
        { "listen", "8888", "an endpoint is written 127.0.0.1:8888 or [::1]:8888" },
        { "listen", "127.0.0.1", "an endpoint is written 127.0.0.1:8888 or [::1]:8888" },
        { "listen", "127.1:80", "an endpoint is written 127.0.0.1:8888 or [::1]:8888" },
        { "listen", "::1:8888", "an endpoint is written 127.0.0.1:8888 or [::1]:8888" },
        { "listen", "localhost:8888", "an endpoint is written 127.0.0.1:8888 or [::1]:8888" },
        { "listen", "127.0.0.1:65536", "an endpoint is written 127.0.0.1:8888 or [::1]:8888" },
        { "listen", "127.0.0.1:80,127.0.0.1:80", "127.0.0.1:80 is named twice" },
        { "listen", "127.0.0.1:80,", "it is empty" },
        { "allow-anonymous", "maybe", "it must be one of false, true" },
        { "auth", "password", "it must be one of none, token, jwt" },
        { "auth-tokens", "", "it is empty" },
        { "jwt-keys", "", "it is empty" },
        { "jwt-secret", "", "it is empty" },
        { "jwt-issuer", "", "it is empty" },
        { "jwt-audience", "", "it is empty" },
        { "jwt-clock-skew", "301s", "it must be from 0 to 5m" },
        { "queue-limit", "0", "it must be from 1 byte to 1TiB" },
        { "queue-limit", "-1", "it must be from 1 byte to 1TiB" },
        { "queue-limit", "2TiB", "it must be from 1 byte to 1TiB" },
        { "queue-limit", "64MB", "a size is written like 64MiB" },
        { "full-queue", "drop", "it must be one of wait, leave-out" },
        { "stall-timeout", "0", "it must be from 1ms to 1d" },
        { "stall-timeout", "-5s", "it must be from 1ms to 1d" },
        { "stall-timeout", "25h", "it must be from 1ms to 1d" },
        { "stall-timeout", "10", "a time is written like 10s" },
        { "max-connections", "0", "it must be a whole number from 1 to 10000000" },
        { "max-connections", "99999999999", "it must be a whole number from 1 to 10000000" },
        { "max-connections", "1.5", "it must be a whole number from 1 to 10000000" },
        { "max-http-connections", "-1", "it must be a whole number from 0 to 10000000" },
        { "silent-users", "maybe", "it must be one of on, off" },
        { "memory-limit", "8388607", "it must be from 8MiB to 16TiB" },
        { "memory-limit", "0", "it must be from 8MiB to 16TiB" },
        { "memory-limit", "17TiB", "it must be from 8MiB to 16TiB" },
        { "send-buffer", "-1", "it must be from 0 bytes to 1GiB" },
        { "send-buffer", "1073741825", "it must be from 0 bytes to 1GiB" },
        { "heartbeat", "1.5s", "it must be a number of whole seconds" },
        { "heartbeat", "500ms", "it must be a number of whole seconds" },
        { "heartbeat", "65536s", "it must be from 0 to 65535s" },
        { "heartbeat", "-1s", "it must be from 0 to 65535s" },
        { "keepalive", "1s", "it must be 0, or at least 2s" },
        { "keepalive", "2500ms", "it must be a number of whole seconds" },
        { "keepalive", "43201s", "it must be from 0 to 12h" },
        { "keepalive", "-1s", "it must be from 0 to 12h" },
        { "resume-window", "1500ms", "it must be a number of whole seconds" },
        { "resume-window", "25h", "it must be from 0 to 1d" },
        { "resume-retention", "-1", "it must be from 0 bytes to 1TiB" },
        { "confirm-timeout", "0", "it must be from 1ms to 1d" },
        { "drain-timeout", "-1ms", "it must be from 0 to 1d" },
        { "drain-timeout", "2d", "it must be from 0 to 1d" },
        { "event-loops", "0", "it must be a whole number from 1 to 1024" },
        { "event-loops", "1025", "it must be a whole number from 1 to 1024" },
        { "max-connections-per-address", "-1", "it must be a whole number from 0 to 10000000" },
        { "connection-rate", "1000001", "it must be a whole number from 0 to 1000000" },
        { "max-connections-per-user", "many", "it must be a whole number from 0 to 10000000" },
        { "handshake-timeout", "25h", "it must be from 0 to 1d" },
        { "auth-timeout", "-1s", "it must be from 0 to 1d" },
        { "relay-rate", "1000000001", "it must be a whole number from 0 to 1000000000" },
        { "byte-rate", "2TiB", "it must be from 0 bytes to 1TiB" },
        { "list-rate", "0.5", "it must be a whole number from 0 to 1000000000" },
        { "echo-rate", "-1", "it must be a whole number from 0 to 1000000000" },
        { "max-errors", "1000001", "it must be a whole number from 0 to 1000000" },
        { "least-progress", "2MiB", "it must be from 0 bytes to 1MiB" },
        { "max-body", "1048577", "it must be from 0 bytes to 1MiB" },
        { "max-receivers", "256", "it must be a whole number from 0 to 255" },
        { "ids", "ascending", "it must be one of sequential, random" },
        { "log-level", "loud", "it must be one of trace, debug, information, warning, error, critical, none" },
        { "audit-log", "", "it is empty" },
        { "log-format", "xml", "it must be one of text, json" },
        { "allow-host", "a.example:80", "a.example:80 is not the name of a host, without a port" },
        { "allow-origin", "a.example", "a.example is not an origin such as" },
        { "allow-origin", "https://a.example/page", "https://a.example/page is not an origin such as" },
        { "trusted-proxy", "10.0.0.0/33", "10.0.0.0/33 is not an address or a network" },
        { "trusted-proxy", "proxy.example", "proxy.example is not an address or a network" },
        { "tls", "on", "it must be one of off, optional, required" },
        { "tls-cert", "", "it is empty" },
        { "tls-key", "", "it is empty" },
        { "tls-pkcs12", "", "it is empty" },
        { "tls-pkcs12-password-file", "", "it is empty" },
        { "tls-client-ca", "", "it is empty" },
        { "tls-client-cert", "yes", "it must be one of off, optional, required" },
        { "dev-tls", "maybe", "it must be one of false, true" },
    };

    public static TheoryData<string> Names => [.. HubSettings.All.Select(setting => setting.Name)];

    [Fact]
    public void Every_setting_is_tested()
    {
        Assert.Equal(HubSettings.All.Select(setting => setting.Name).Order(), Samples.Keys.Order());
        Assert.All(HubSettings.All, setting => Assert.Contains(Impossible, row => row.Data.Item1 == setting.Name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_environment_sets_it(string name)
    {
        var (value, read, expected) = Samples[name];
        Assert.Equal(expected, read(FromEnvironment((Setting(name).EnvironmentName, value))));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_file_sets_it(string name)
    {
        var (value, read, expected) = Samples[name];
        string json = Setting(name).IsList ? $"[\"{value.Replace(",", "\", \"", StringComparison.Ordinal)}\"]" : $"\"{value}\"";
        Assert.Equal(
            Setting(name).File == FileUse.None ? expected : Path.Combine(Path.GetDirectoryName(_file)!, value),
            read(FromJson($"{{ \"{Setting(name).JsonName}\": {json} }}")));
    }

    [Theory]
    [MemberData(nameof(Impossible))]
    public void The_environment_cannot_set_it_to(string name, string value, string limit)
    {
        var error = Assert.Throws<CommandException>(() => FromEnvironment((Setting(name).EnvironmentName, value)));
        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.StartsWith($"{name} (from the environment variable {Setting(name).EnvironmentName}) is '{value}': {limit}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Impossible))]
    public void The_file_cannot_set_it_to(string name, string value, string limit)
    {
        string json = Setting(name).IsList ? $"[\"{value.Replace(",", "\", \"", StringComparison.Ordinal)}\"]" : $"\"{value}\"";
        var error = Assert.Throws<CommandException>(() => FromJson($"{{ \"{Setting(name).JsonName}\": {json} }}"));
        Assert.Equal(ExitCode.Usage, error.ExitCode);
        Assert.StartsWith($"{name} (from {Setting(name).JsonName} in {_file}) is '{value}': {limit}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_and_switches_in_the_file_need_no_quotes()
    {
        var settings = FromJson("""{ "port": 1234, "allowAnonymous": true, "queueLimit": 1024, /* why */ "eventLoops": 2, }""");
        Assert.Equal(
            ("127.0.0.1:1234", true, 1024L, 2),
            (settings.Hub.Listen.Single().ToString(), settings.Hub.AllowAnonymous, settings.Hub.QueueLimitBytes, settings.Hub.EventLoops ?? 0));
    }

    [Theory]
    [InlineData("""{ "queue-limit": "1MiB" }""", "'queue-limit' in FILE is not a setting")]
    [InlineData("""{ "colour": 1 }""", "'colour' in FILE is not a setting")]
    [InlineData("""{ "config": "x.json" }""", "'config' in FILE is not a setting")]
    [InlineData("""{ "port": { "http": 80 } }""", "port in FILE is one value")]
    [InlineData("""{ "port": [1, 2] }""", "port in FILE is one value")]
    [InlineData("""{ "listen": [["127.0.0.1:1"]] }""", "listen in FILE is a list of texts")]
    [InlineData("""{ "port": null }""", "port (from port in FILE) is '': it is empty")]
    [InlineData("""{ "listen": [] }""", "listen (from listen in FILE) is '': it is empty")]
    [InlineData("""{ "port": 1, "listen": ["127.0.0.1:2"] }""", "exclude each other")]
    [InlineData("""{ "port": 1, "Port": 2 }""", "FILE is not valid json")]
    [InlineData("""{ "port": 1""", "FILE is not valid json, line 1: ")]
    [InlineData("{\n  \"port\": 1\n  \"heartbeat\": 0\n}", "FILE is not valid json, line 3: ")]
    [InlineData("[]", "FILE is not valid json")]
    [InlineData("", "FILE is not valid json")]
    public void The_file_can_be_wrong(string json, string error) => Assert.Contains(
        error.Replace("FILE", _file, StringComparison.Ordinal),
        Assert.Throws<CommandException>(() => FromJson(json)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void An_unknown_variable_is_an_error() => Assert.Contains(
        "the environment variable MDS_QUEUELIMIT is not a setting",
        Assert.Throws<CommandException>(() => FromEnvironment(("MDS_QUEUELIMIT", "1MiB"))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Variables_of_others_are_none_of_its_business() =>
        Assert.Equal(new ServeSettings().Hub.QueueLimitBytes, FromEnvironment(("PORT", "x"), ("MDS_HUB", "h"), ("MDS_CONFIG", "c")).Hub.QueueLimitBytes);

    [Theory]
    [InlineData("0.0.0.0:1")]
    [InlineData("[::]:1")]
    [InlineData("127.0.0.1:1,192.168.1.1:1")]
    public void Addresses_that_others_reach_need_allow_anonymous(string listen)
    {
        var closed = FromEnvironment(("MDS_LISTEN", listen));
        Assert.Contains("--allow-anonymous allows that", Assert.Throws<CommandException>(() => closed.CheckTogether()).Message, StringComparison.Ordinal);
        FromEnvironment(("MDS_LISTEN", listen), ("MDS_ALLOW_ANONYMOUS", "true")).CheckTogether();
    }

    [Fact]
    public void All_of_127_is_loopback() => FromEnvironment(("MDS_LISTEN", "127.0.0.2:1,[::1]:1")).CheckTogether();

    [Fact]
    public void The_default_is_loopback() => Assert.Equal([new IPEndPoint(IPAddress.Loopback, 8888)], new ServeSettings().Hub.Listen);

    private static Setting Setting(string name) => HubSettings.All.Single(setting => setting.Name == name);

    private static ServeSettings FromEnvironment(params (string Name, string Value)[] variables) =>
        SettingSource.FromEnvironment(variables.ToDictionary(variable => variable.Name, variable => variable.Value)).Apply(new());

    private ServeSettings FromJson(string json)
    {
        File.WriteAllText(_file, json);
        return SettingSource.FromJson(_file).Apply(new());
    }
}

/// <summary>The files of this repository, from wherever the tests run.</summary>
internal static class Repository
{
    public static string File(string path)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !System.IO.File.Exists(Path.Combine(directory.FullName, "MessageDelivery.slnx")))
        {
            directory = directory.Parent;
        }

        return Path.Combine(directory?.FullName ?? throw new InvalidOperationException("Not inside the repository."), path);
    }
}
