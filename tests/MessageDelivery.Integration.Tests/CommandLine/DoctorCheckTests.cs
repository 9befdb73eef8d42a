using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli.Doctor;
using MessageDelivery.Hub;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The doctor's checks, on a machine that is made up.</summary>
public sealed class DoctorCheckTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData(1_024, 0, nameof(FindingLevel.Warn))]
    [InlineData(100_000, 0, nameof(FindingLevel.Ok))]
    [InlineData(1_024, 928, nameof(FindingLevel.Ok))]
    [InlineData(1_024, 929, nameof(FindingLevel.Fail))]
    public void File_descriptors_against_connections(int limit, int connections, string level)
    {
        Write("self/limits", $"Limit                     Soft Limit           Hard Limit           Units\nMax open files            512                  {limit}               files\n");
        Assert.Equal(level, One(MachineChecks.FileDescriptors, new() { MaxConnections = connections == 0 ? null : connections }).Level.ToString());
    }

    [Theory]
    [InlineData("128", nameof(FindingLevel.Warn))]
    [InlineData("4096", nameof(FindingLevel.Ok))]
    [InlineData("", nameof(FindingLevel.Warn))]
    public void The_backlog(string most, string level)
    {
        Write("sys/net/core/somaxconn", most);
        Assert.Equal(level, One(MachineChecks.ConnectionBacklog, new()).Level.ToString());
    }

    [Theory]
    [InlineData(2L << 30, 10, nameof(FindingLevel.Fail))]
    [InlineData(512L << 20, 10, nameof(FindingLevel.Ok))]
    [InlineData(512L << 20, 100_000, nameof(FindingLevel.Warn))]
    public void Memory_against_what_there_is(long limit, int connections, string level) => Assert.Equal(
        level, One(MachineChecks.Memory, new() { MemoryLimitBytes = limit, MaxConnections = connections }, new Machine(_root.FullName) { MemoryBytes = 1L << 30 }).Level.ToString());

    [Fact]
    public void What_the_kernel_gives_to_all_of_TCP_bounds_the_buffers()
    {
        Write("sys/net/ipv4/tcp_mem", "1000\t2000\t3000\n");
        Assert.Equal(FindingLevel.Ok, One(
            MachineChecks.Memory, new() { MemoryLimitBytes = 512L << 20, MaxConnections = 100_000 }, new Machine(_root.FullName) { MemoryBytes = 1L << 30 }).Level);
    }

    [Theory]
    [InlineData("212992", 512 << 10, nameof(FindingLevel.Warn))]
    [InlineData("4194304", 512 << 10, nameof(FindingLevel.Ok))]
    [InlineData("212992", 0, nameof(FindingLevel.Ok))]
    public void Send_buffers(string most, int wanted, string level)
    {
        Write("sys/net/core/wmem_max", most);
        Assert.Equal(level, One(MachineChecks.SendBuffer, new() { SendBufferBytes = wanted }).Level.ToString());
    }

    [Theory]
    [InlineData(true, nameof(FindingLevel.Ok))]
    [InlineData(false, nameof(FindingLevel.Warn))]
    [InlineData(null, nameof(FindingLevel.Warn))]
    public void The_clock(bool? isSynchronised, string level) =>
        Assert.Equal(level, One(MachineChecks.Clock, new(), new Machine(_root.FullName) { ClockIsSynchronised = isSynchronised }).Level.ToString());

    [Theory]
    [InlineData("127.0.0.1", false, nameof(ProbeOutcome.LetIn), null, nameof(FindingLevel.Ok))]
    [InlineData("192.0.2.1", false, nameof(ProbeOutcome.LetIn), null, nameof(FindingLevel.Fail))]
    [InlineData("192.0.2.1", true, nameof(ProbeOutcome.LetIn), null, nameof(FindingLevel.Warn))]
    [InlineData("192.0.2.1", false, nameof(ProbeOutcome.AuthenticationWanted), null, nameof(FindingLevel.Warn))]
    [InlineData("192.0.2.1", false, nameof(ProbeOutcome.Refused), nameof(ProbeOutcome.AuthenticationWanted), nameof(FindingLevel.Ok))]
    [InlineData("192.0.2.1", false, nameof(ProbeOutcome.Refused), nameof(ProbeOutcome.LetIn), nameof(FindingLevel.Fail))]
    [InlineData("192.0.2.1", false, nameof(ProbeOutcome.AuthenticationWanted), nameof(ProbeOutcome.LetIn), nameof(FindingLevel.Fail))]
    [InlineData("192.0.2.1", false, nameof(ProbeOutcome.NotAHub), null, nameof(FindingLevel.Fail))]
    [InlineData("192.0.2.1", false, nameof(ProbeOutcome.NoAnswer), null, nameof(FindingLevel.Fail))]
    public void What_strangers_get(string address, bool isAllowed, string plain, string? inside, string level)
    {
        var hub = new IPEndPoint(IPAddress.Parse(address), 8888);
        var context = Context(new() { AllowAnonymous = isAllowed }) with { Hub = hub };
        var findings = HubChecks.Judge("exposure", hub, IPAddress.IsLoopback(hub.Address), context, new(Enum.Parse<ProbeOutcome>(plain), ""), inside is { } outcome ? new(Enum.Parse<ProbeOutcome>(outcome), "") : null);
        Assert.Equal(level, findings.Max(finding => finding.Level).ToString());
    }

    [Theory]
    [InlineData("192.0.2.1", 200, 200, 401, nameof(FindingLevel.Ok))]
    [InlineData("192.0.2.1", 200, 200, 200, nameof(FindingLevel.Warn))]
    [InlineData("127.0.0.1", 200, 200, 200, nameof(FindingLevel.Ok))]
    [InlineData("127.0.0.1", 200, 503, 200, nameof(FindingLevel.Warn))]
    [InlineData("127.0.0.1", 503, 503, 200, nameof(FindingLevel.Fail))]
    [InlineData("127.0.0.1", 421, 421, 421, nameof(FindingLevel.Warn))]
    [InlineData("127.0.0.1", 404, 404, 404, nameof(FindingLevel.Ok))]
    public void What_strangers_get_over_HTTP(string address, int health, int ready, int metrics, string level) => Assert.Equal(
        level, HttpChecks.Judge(new IPEndPoint(IPAddress.Parse(address), 8888), health, ready, metrics).Max(finding => finding.Level).ToString());

    [Theory]
    [InlineData(-1, nameof(FindingLevel.Fail), "has expired on 2026-05-31")]
    [InlineData(5, nameof(FindingLevel.Warn), "expires in 5 days, on 2026-06-06")]
    [InlineData(200, nameof(FindingLevel.Ok), "is good for 200 days")]
    public void Dates_of_a_certificate(int days, string level, string text)
    {
        var finding = CertificateCheck.Files(CertificateFile(Now.AddDays(-10), Now.AddDays(days), out _), null, Now).First();
        Assert.Equal(level, finding.Level.ToString());
        Assert.Contains(text, finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_is_not_good_yet() => Assert.Contains(
        CertificateCheck.Files(CertificateFile(Now.AddDays(1), Now.AddDays(2), out _), null, Now),
        finding => finding.Level == FindingLevel.Fail && finding.Text.Contains("is not good before 2026-06-02", StringComparison.Ordinal));

    [Fact]
    public void A_certificate_that_nobody_trusts_is_a_warning() => Assert.Contains(
        CertificateCheck.Files(CertificateFile(Now.AddDays(-1), Now.AddDays(100), out _), null, Now),
        finding => finding.Level == FindingLevel.Warn && finding.Text.Contains("which this machine does not trust", StringComparison.Ordinal));

    [Fact]
    public void Rsa_is_slower_than_it_need_be()
    {
        using var rsa = RSA.Create(2048);
        using var slow = new CertificateRequest("CN=hub.example", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(100));
        Assert.Contains(
            CertificateCheck.Presented(slow, [], "hub.example", Now),
            finding => finding.Level == FindingLevel.Warn && finding.Text.StartsWith("its key is RSA with 2048 bits", StringComparison.Ordinal));
        Assert.DoesNotContain(
            CertificateCheck.Files(CertificateFile(Now.AddDays(-1), Now.AddDays(100), out _), null, Now),
            finding => finding.Text.Contains("RSA", StringComparison.Ordinal));
    }

    [Fact]
    public void A_key_and_whether_it_belongs_to_the_certificate()
    {
        string certificate = CertificateFile(Now.AddDays(-1), Now.AddDays(100), out string key);
        CertificateFile(Now.AddDays(-1), Now.AddDays(100), out string other);
        Assert.Contains(CertificateCheck.Files(certificate, key, Now), finding => finding.Text == $"the key {key} belongs to it");
        Assert.Contains(CertificateCheck.Files(certificate, other, Now), finding => finding.Level == FindingLevel.Fail && finding.Text.StartsWith($"the key {other} does not belong", StringComparison.Ordinal));
        Assert.Contains(CertificateCheck.Files(certificate, "/nowhere/key.pem", Now), finding => finding.Level == FindingLevel.Fail);
    }

    [Fact]
    public void A_key_that_everybody_may_read_is_a_failure()
    {
        string certificate = CertificateFile(Now.AddDays(-1), Now.AddDays(100), out string key);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        }

        Assert.Contains(CertificateCheck.Files(certificate, key, Now), finding => finding.Level == FindingLevel.Fail && finding.Remedy == $"chmod o-rwx {key}");
    }

    [Fact]
    public void A_file_without_a_certificate_is_a_failure()
    {
        string file = Path.Combine(_root.FullName, "empty.pem");
        File.WriteAllText(file, "nothing");
        Assert.Equal(FindingLevel.Fail, Assert.Single(CertificateCheck.Files(file, null, Now)).Level);
    }

    private static DoctorContext Context(MessageHubOptions options) => new(options, null, new Machine(), TimeProvider.System);

    private Finding One(Func<DoctorContext, IEnumerable<Finding>> check, MessageHubOptions options, Machine? machine = null) =>
        Assert.Single(check(Context(options) with { Machine = machine ?? new Machine(_root.FullName) }));

    private void Write(string file, string text)
    {
        string path = Path.Combine(_root.FullName, "proc", file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private string CertificateFile(DateTimeOffset from, DateTimeOffset until, out string keyFile)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=hub.example", key, HashAlgorithmName.SHA256).CreateSelfSigned(from, until);
        string file = Path.Combine(_root.FullName, $"{Guid.NewGuid():N}.pem");
        File.WriteAllText(file, certificate.ExportCertificatePem());
        keyFile = $"{file}.key";
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(keyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return file;
    }
}
