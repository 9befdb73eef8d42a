using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Hub.Limits;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>Options of a hub from an application's configuration.</summary>
public sealed class HubConfigurationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hub").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A value for each key, and how to see it. A key that is missing here fails <see cref="Every_key_is_tried_and_in_the_guide"/>.</summary>
    private static readonly Dictionary<string, (string Value, Func<MessageHubOptions, object?> Read, object? Expected)> Samples = new()
    {
        ["Listen"] = ("[::1]:1234", options => options.Listen[0], new IPEndPoint(IPAddress.IPv6Loopback, 1234)),
        ["AllowAnonymous"] = ("true", options => options.AllowAnonymous, true),
        ["QueueLimitBytes"] = ("1", options => options.QueueLimitBytes, 1L),
        ["FullQueue"] = ("leaveout", options => options.FullQueue, FullQueue.LeaveOut),
        ["StallTimeout"] = ("00:00:01", options => options.StallTimeout, TimeSpan.FromSeconds(1)),
        ["MaxConnections"] = ("10", options => options.MaxConnections, 10),
        ["MaxHttpConnections"] = ("4", options => options.MaxHttpConnections, 4),
        ["SilentUsers"] = ("off", options => options.SilentUsers, SilentUsers.Off),
        ["MemoryLimitBytes"] = ("16777216", options => options.MemoryLimitBytes, 16L << 20),
        ["SendBufferBytes"] = ("0", options => options.SendBufferBytes, 0),
        ["Heartbeat"] = ("00:00:00", options => options.Heartbeat, TimeSpan.Zero),
        ["KeepAlive"] = ("00:00:02", options => options.KeepAlive, TimeSpan.FromSeconds(2)),
        ["ResumeWindow"] = ("01:00:00", options => options.ResumeWindow, TimeSpan.FromHours(1)),
        ["ResumeRetentionBytes"] = ("0", options => options.ResumeRetentionBytes, 0L),
        ["ConfirmTimeout"] = ("00:00:00.5", options => options.ConfirmTimeout, TimeSpan.FromSeconds(0.5)),
        ["DrainTimeout"] = ("00:00:00", options => options.DrainTimeout, TimeSpan.Zero),
        ["EventLoops"] = ("3", options => options.EventLoops, 3),
        ["Limits:MaxConnectionsPerAddress"] = ("5", options => options.Limits.MaxConnectionsPerAddress, 5),
        ["Limits:ConnectionsPerSecond"] = ("6", options => options.Limits.ConnectionsPerSecond, 6),
        ["Limits:MaxConnectionsPerUser"] = ("7", options => options.Limits.MaxConnectionsPerUser, 7),
        ["Limits:HandshakeTimeout"] = ("00:00:08", options => options.Limits.HandshakeTimeout, TimeSpan.FromSeconds(8)),
        ["Limits:AuthenticationTimeout"] = ("00:00:09", options => options.Limits.AuthenticationTimeout, TimeSpan.FromSeconds(9)),
        ["Limits:RelaysPerSecond"] = ("10", options => options.Limits.RelaysPerSecond, 10L),
        ["Limits:BytesPerSecond"] = ("11", options => options.Limits.BytesPerSecond, 11L),
        ["Limits:ListsPerSecond"] = ("12", options => options.Limits.ListsPerSecond, 12L),
        ["Limits:EchoesPerSecond"] = ("13", options => options.Limits.EchoesPerSecond, 13L),
        ["Limits:MaxErrorsPerMinute"] = ("14", options => options.Limits.MaxErrorsPerMinute, 14),
        ["Limits:MinProgressBytes"] = ("15", options => options.Limits.MinProgressBytes, 15),
        ["Limits:MaxBodyBytes"] = ("16", options => options.Limits.MaxBodyBytes, 16),
        ["Limits:MaxReceivers"] = ("17", options => options.Limits.MaxReceivers, 17),
        ["Limits:Ids"] = ("Random", options => options.Limits.Ids, UserIdOrder.Random),
        ["Http:AllowedHosts"] = ("hub.example.org", options => options.Http.AllowedHosts.SingleOrDefault(), "hub.example.org"),
        ["Http:AllowedOrigins"] = ("https://example.org", options => options.Http.AllowedOrigins.SingleOrDefault(), "https://example.org"),
        ["Http:TrustedProxies"] = ("10.0.0.0/8", options => options.Http.TrustedProxies.SingleOrDefault(), IPNetwork.Parse("10.0.0.0/8")),
        ["Tls:HandshakeThreads"] = ("2", options => options.Tls.HandshakeThreads, 2),
    };

    /// <summary>Those that need files, or another key.</summary>
    private static readonly string[] TestedApart = ["Tls:Mode", "Tls:CertificateFile", "Tls:KeyFile", "Tls:ClientCertificates", "Tls:ClientAuthoritiesFile"];

    public static TheoryData<string, string, string> Impossible => new()
    {
        { "Listen", "8888", "Hub:Listen is '8888'; it must be an address and port such as 127.0.0.1:8888 or [::1]:8888" },
        { "Listen:1", "localhost:1", "Hub:Listen:1 is 'localhost:1'; it must be an address and port" },
        { "Listen:x", "127.0.0.1:1", "Hub:Listen:x is not an option of the hub; there are Listen, AllowAnonymous," },
        { "Lisen", "127.0.0.1:1", "Hub:Lisen is not an option of the hub" },
        { "AllowAnonymous", "maybe", "Hub:AllowAnonymous is 'maybe'; it must be true or false" },
        { "FullQueue", "1", "Hub:FullQueue is '1'; it must be Wait or LeaveOut" },
        { "StallTimeout", "10", "Hub:StallTimeout is '10'; it must be a time such as 00:00:10" },
        { "StallTimeout", "00:00:00", "Hub:StallTimeout must be between" },
        { "EventLoops", "99999999999", "Hub:EventLoops is '99999999999'; it must be a whole number" },
        { "MemoryLimitBytes", "8MiB", "Hub:MemoryLimitBytes is '8MiB'; it must be a whole number" },
        { "Limits:MaxReceivers", "256", "Hub:MaxReceivers must be between 0 and 255." },
        { "Limits:Ids", "Fast", "Hub:Limits:Ids is 'Fast'; it must be Sequential or Random" },
        { "Http:AllowedHosts", "example.org:8888", "Hub:Http:AllowedHosts is 'example.org:8888'; it must be the name of a host, without a port" },
        { "Http:AllowedOrigins:3", "https://example.org/", "Hub:Http:AllowedOrigins:3 is 'https://example.org/'; it must be an origin such as" },
        { "Http:TrustedProxies", "10.0.0.0/33", "Hub:Http:TrustedProxies is '10.0.0.0/33'; it must be an address or a network" },
        { "Tls:Mode", "Required", "Hub:Tls.Mode is Required, and Tls.Certificates has none to show." },
        { "Tls:CertificateFile", "/nowhere.pem", "Hub:Tls:CertificateFile is '/nowhere.pem'; it must be the name of a file with certificates in PEM: " },
        { "Tls:KeyFile", "hub.key", "Hub:Tls:KeyFile is set; it must be that of Tls:CertificateFile, which is not" },
    };

    [Fact]
    public void Every_key_is_tried_and_in_the_guide()
    {
        string[] guide = File.ReadAllLines(Guide());
        foreach (MessageHubConfiguration.Key key in MessageHubConfiguration.All)
        {
            Assert.True(Samples.ContainsKey(key.Name) || TestedApart.Contains(key.Name), $"{key.Name} has no sample");
            Assert.Contains(guide, line => line.StartsWith($"| `{key.Name}` |", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Each_key_is_read_in_any_case_and_changes_nothing_else()
    {
        foreach ((string key, (string value, Func<MessageHubOptions, object?> read, object? expected)) in Samples)
        {
            Assert.NotEqual(expected, read(new()));
            Assert.Equal(expected, read(Read((key.ToUpperInvariant(), value))));
        }

        var defaults = new MessageHubOptions();
        Assert.Equal(defaults, Read() with { Listen = defaults.Listen, ListeningSockets = defaults.ListeningSockets, Http = defaults.Http });
    }

    [Theory]
    [MemberData(nameof(Impossible))]
    public void What_cannot_be_is_named(string key, string value, string said)
    {
        var error = Assert.Throws<OptionsValidationException>(() => Read((key, value)));
        Assert.Contains(error.Failures, failure => failure.StartsWith(said, StringComparison.Ordinal));
        Assert.DoesNotContain(error.Failures, failure => failure.Contains('\n', StringComparison.Ordinal));
    }

    [Fact]
    public void A_list_of_addresses_is_read_in_its_order() => Assert.Equal(
        Enumerable.Range(0, 12).Select(port => new IPEndPoint(IPAddress.Loopback, port)),
        Read([.. Enumerable.Range(0, 12).Reverse().Select(port => ($"Listen:{port}", $"127.0.0.1:{port}"))]).Listen);

    [Fact]
    public void Certificates_are_read_from_files()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 made = new CertificateRequest("CN=hub", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        string certificate = Write("hub.pem", made.ExportCertificatePem() + "\n" + made.ExportCertificatePem()), keyFile = Write("hub.key", key.ExportPkcs8PrivateKeyPem());
        HubTlsOptions tls = Read(("Tls:CertificateFile", certificate), ("Tls:KeyFile", keyFile)).Tls;
        Assert.Equal((HubTlsMode.Optional, HubClientCertificates.Off), (tls.Mode, tls.ClientCertificates));
        Assert.Equal((made.Thumbprint, true), (tls.Certificates!.Certificate.Thumbprint, tls.Certificates.Certificate.HasPrivateKey));
        Assert.Single(tls.Certificates.Intermediates);

        tls = Read(("Tls:CertificateFile", certificate), ("Tls:KeyFile", keyFile), ("Tls:Mode", "required"), ("Tls:ClientAuthoritiesFile", certificate)).Tls;
        Assert.Equal((HubTlsMode.Required, HubClientCertificates.Required), (tls.Mode, tls.ClientCertificates));
        Assert.Equal(2, tls.Certificates!.ClientAuthorities.Count);
        tls = Read(("Tls:CertificateFile", certificate), ("Tls:KeyFile", keyFile), ("Tls:ClientCertificates", "Optional"), ("Tls:ClientAuthoritiesFile", certificate)).Tls;
        Assert.Equal(HubClientCertificates.Optional, tls.ClientCertificates);
    }

    [Fact]
    public async Task A_section_configures_the_hub_and_code_has_the_last_word()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddMessageHub(
            Section(("Listen", "127.0.0.1:1"), ("Limits:MaxReceivers", "3")), options => options with { Listen = [new(IPAddress.Loopback, 0)] });
        using IHost host = builder.Build();
        await host.StartAsync();
        using var user = new Peer(host.Services.GetRequiredService<MessageHub>().Endpoints[0]);
        Assert.Equal(1UL, user.Id);
        await host.StopAsync();
    }

    [Fact]
    public async Task An_impossible_section_fails_the_start()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddMessageHub(Section(("Port", "1")));
        using IHost host = builder.Build();
        await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
    }

    private static IConfigurationSection Section(params (string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(value => KeyValuePair.Create("Hub:" + value.Key, (string?)value.Value))).Build().GetSection("Hub");

    private static MessageHubOptions Read(params (string Key, string Value)[] values) => MessageHubConfiguration.Read(Section(values), new());

    private static string Guide()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "MessageDelivery.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(folder!, "docs", "hosting.md");
    }

    private string Write(string name, string text)
    {
        File.WriteAllText(Path.Combine(_folder, name), text);
        return Path.Combine(_folder, name);
    }
}
