using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MessageDelivery.Client.Tests;

/// <summary>Options of a client from an application's configuration.</summary>
public sealed class HubClientConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hub-client").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A value for each key, and how to see it. A key that is missing here fails <see cref="Every_key_is_tried_and_in_the_guide"/>.</summary>
    private static readonly Dictionary<string, (string Value, Func<HubClientOptions, object?> Read, object? Expected)> Samples = new()
    {
        ["Host"] = ("hub.internal", options => options.Host, "hub.internal"),
        ["Port"] = ("1234", options => options.Port, 1234),
        ["Token"] = ("secret", options => options.Token, "secret"),
        ["TokenFile"] = ("nowhere", options => options.TokenProvider is not null, true),
        ["ConnectTimeout"] = ("00:00:03", options => options.ConnectTimeout, TimeSpan.FromSeconds(3)),
        ["CloseTimeout"] = ("00:00:00.5", options => options.CloseTimeout, TimeSpan.FromSeconds(0.5)),
        ["Resume"] = ("false", options => options.Resume, false),
        ["Reconnect:InitialDelay"] = ("00:00:01", options => options.Reconnect!.InitialDelay, TimeSpan.FromSeconds(1)),
        ["Reconnect:MaxDelay"] = ("00:01:00", options => options.Reconnect!.MaxDelay, TimeSpan.FromMinutes(1)),
        ["Reconnect:MaxAttempts"] = ("0", options => options.Reconnect!.MaxAttempts, 0),
        ["ReceiveBufferBytes"] = ("1", options => options.ReceiveBufferBytes, 1L),
        ["SendBufferBytes"] = ("65536", options => options.SendBufferBytes, 65_536L),
        ["DiscardDeliveries"] = ("True", options => options.DiscardDeliveries, true),
        ["DefaultRelayOptions"] = ("BestEffort, Confirm", options => options.DefaultRelayOptions, RelayOptions.BestEffort | RelayOptions.Confirm),
        ["Tls:Enabled"] = ("true", options => options.Tls is not null, true),
        ["Tls:TargetHost"] = ("hub", options => options.Tls!.TargetHost, "hub"),
        ["Tls:Pin"] = ("sha256:" + new string('a', 64), options => options.Tls!.Pin, "sha256:" + new string('a', 64)),
    };

    /// <summary>Values that cannot be, and what is said.</summary>
    public static TheoryData<string, string, string> Impossible => new()
    {
        { "Host", "", "Hub:Host is ''; it must be a name or an address" },
        { "Port", "0", "Hub:Port is '0'; it must be a number from 1 to 65535" },
        { "Port", "eighty", "Hub:Port is 'eighty'; it must be a number from 1 to 65535" },
        { "Port", "99999999999999999999", "Hub:Port is '99999999999999999999'; it must be a number from 1 to 65535" },
        { "Prot", "80", "Hub:Prot is not an option of the client; there are Host, Port," },
        { "Token", new string('x', 8_193), "Hub:Token is 8193 bytes; it must be at most 8192" },
        { "TokenFile", "", "Hub:TokenFile is ''; it must be the name of a file" },
        { "ConnectTimeout", "10", "Hub:ConnectTimeout is '10'; it must be a time such as 00:00:10" },
        { "ConnectTimeout", "00:00:00", "Hub:ConnectTimeout is 00:00:00; it must be above zero" },
        { "CloseTimeout", "soon", "Hub:CloseTimeout is 'soon'; it must be a time such as 00:00:10" },
        { "Resume", "maybe", "Hub:Resume is 'maybe'; it must be true or false" },
        { "Reconnect:MaxAttempts", "-1", "Hub:Reconnect:MaxAttempts is '-1'; it must be a number from 0 to 2147483647" },
        { "Reconnect:MaxDelay", "00:00:00", "Hub:InitialDelay is 00:00:00.1000000 and MaxDelay 00:00:00" },
        { "ReceiveBufferBytes", "8MiB", "Hub:ReceiveBufferBytes is '8MiB'; it must be a number from 1 on" },
        { "SendBufferBytes", "0", "Hub:SendBufferBytes is '0'; it must be a number from 1 on" },
        { "DefaultRelayOptions", "Fast", "Hub:DefaultRelayOptions is 'Fast'; it must be None, BestEffort, Confirm" },
        { "DefaultRelayOptions", "6", "Hub:DefaultRelayOptions is '6'; it must be None, BestEffort, Confirm" },
        { "Tls:Pin", "sha256:00", "Hub:Tls:Pin is 'sha256:00'; it must be sha256: and 64 hexadecimal digits" },
        { "Tls:AuthoritiesFile", "/nowhere.pem", "Hub:Tls:AuthoritiesFile is '/nowhere.pem'; it must be the name of a file with certificates in PEM" },
        { "Tls:CertificateFile", "/nowhere.pem", "Hub:Tls:CertificateFile is '/nowhere.pem': " },
        { "Tls:KeyFile", "hub.key", "Hub:Tls:KeyFile is set; it must be that of Tls:CertificateFile, which is not" },
    };

    [Fact]
    public void Every_key_is_tried_and_in_the_guide()
    {
        string[] guide = File.ReadAllLines(Guide.File());
        foreach (HubClientConfiguration.Key key in HubClientConfiguration.All)
        {
            Assert.True(key.Name.EndsWith("File", StringComparison.Ordinal) || Samples.ContainsKey(key.Name), $"{key.Name} has no sample");
            Assert.Contains(guide, line => line.StartsWith($"| `{key.Name}` |", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Each_key_is_read_in_any_case_and_changes_nothing_else()
    {
        foreach ((string key, (string value, Func<HubClientOptions, object?> read, object? expected)) in Samples)
        {
            Assert.NotEqual(expected, read(key.StartsWith("Tls:", StringComparison.Ordinal) && key != "Tls:Enabled" ? new() { Tls = new() } : new HubClientOptions()));
            Assert.Equal(expected, read(Read((key.ToUpperInvariant(), value))));
        }

        Assert.Equal(new HubClientOptions(), Read());
    }

    [Theory]
    [MemberData(nameof(Impossible))]
    public void What_cannot_be_is_named_with_its_value_and_its_limit(string key, string value, string said)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read((key, value)));
        Assert.Contains(error.Failures, failure => failure.StartsWith(said, StringComparison.Ordinal));
    }

    [Fact]
    public void All_problems_are_told_at_once_and_no_secret()
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read(("Port", "0"), ("Resume", "x"), ("Token", "hush"), ("TokenFile", "file")));
        Assert.Equal(3, error.Failures.Count());
        Assert.DoesNotContain("hush", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_are_read()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 made = new CertificateRequest("CN=alice", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        string certificate = Write("alice.pem", made.ExportCertificatePem()), keyFile = Write("alice.key", key.ExportPkcs8PrivateKeyPem()), token = Write("token", "secret\n");
        HubClientOptions options = Read(("Tls:CertificateFile", certificate), ("Tls:KeyFile", keyFile), ("Tls:AuthoritiesFile", certificate), ("TokenFile", token));
        Assert.Equal(made.Thumbprint, options.Tls!.ClientCertificate!.Thumbprint);
        Assert.True(options.Tls.ClientCertificate.HasPrivateKey);
        Assert.Equal(made.Thumbprint, Assert.Single(options.Tls.Authorities!).Thumbprint);
        Assert.Equal("secret", await options.TokenProvider!(CancellationToken.None));

        // Read anew for each connection, as an orchestrator replaces it.
        Write("token", "another");
        Assert.Equal("another", await options.TokenProvider(CancellationToken.None));
        Assert.Null(Read(("Tls:AuthoritiesFile", certificate), ("Tls:Enabled", "false")).Tls);
    }

    [Fact]
    public async Task A_section_configures_the_injected_client_and_code_has_the_last_word()
    {
        await using var hub = new ScriptedHub();
        IConfigurationSection section = Section(("Port", "1"), ("CloseTimeout", "00:00:00"), ("DefaultRelayOptions", "BestEffort"));
        await using ServiceProvider services = new ServiceCollection()
            .AddHubClient(section, options => options with { Port = hub.Options.Port }).BuildServiceProvider();
        HubClient client = services.GetRequiredService<HubClient>();
        client.Begin();
        Peer peer = await hub.AcceptAsync();
        await peer.ExpectAsync(Protocol.FrameType.Hello);
        await peer.SendAsync(Frames.Welcome());
        await client.RelayAsync(2, "hi"u8.ToArray()).Soon();
        Assert.Equal(2, (await peer.ExpectAsync(Protocol.FrameType.Relay)).Header.Flags);
    }

    private static IConfigurationSection Section(params (string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(value => KeyValuePair.Create("Hub:" + value.Key, (string?)value.Value))).Build().GetSection("Hub");

    private static HubClientOptions Read(params (string Key, string Value)[] values) => HubClientConfiguration.Read(Section(values), new());

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_folder, name), text);
        return Path.Combine(_folder, name);
    }
}
