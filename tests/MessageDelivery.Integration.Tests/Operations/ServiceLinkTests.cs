using MessageDelivery.Cli;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>The variables that Kubernetes sets in each container for a service named <c>mds</c>, or with a name that begins so.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class ServiceLinkTests
{
    private static readonly Dictionary<string, string> Links = new()
    {
        ["MDS_PORT"] = "tcp://10.96.0.17:8888",
        ["MDS_SERVICE_HOST"] = "10.96.0.17",
        ["MDS_SERVICE_PORT"] = "8888",
        ["MDS_SERVICE_PORT_CLIENTS"] = "8888",
        ["MDS_PORT_8888_TCP"] = "tcp://10.96.0.17:8888",
        ["MDS_PORT_8888_TCP_PROTO"] = "tcp",
        ["MDS_PORT_8888_TCP_PORT"] = "8888",
        ["MDS_PORT_8888_TCP_ADDR"] = "10.96.0.17",
        ["MDS_PORT_53_UDP"] = "udp://10.96.0.17:53",
        ["MDS_AUDIT_SERVICE_HOST"] = "10.96.0.18",
        ["MDS_AUDIT_SERVICE_PORT"] = "80",
        ["MDS_AUDIT_PORT"] = "tcp://10.96.0.18:80",
        ["MDS_AUDIT_PORT_80_TCP_ADDR"] = "10.96.0.18",
    };

    [Fact]
    public async Task They_are_ignored_with_one_line()
    {
        await using var hub = await HubProcess.StartAsync(["serve", "--port", "0"], Links);
        string names = await hub.Mds.WaitForErrorAsync("Ignored, since Kubernetes sets them for its services and they are no settings: ");
        Assert.Equal(Links.Keys.Order(StringComparer.Ordinal), names.Trim().Split(", "));
        hub.Mds.Signal(MdsProcess.SigTerm);
        var result = await hub.Mds.EndAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(1, result.Error.Split('\n').Count(line => line.Contains("MDS_", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("check-config", "--port", "0")]
    [InlineData("doctor", "--port", "0")]
    public async Task Other_verbs_ignore_them_too_and_say_so(params string[] arguments)
    {
        var result = await MdsProcess.RunAsync(arguments, [], Links);
        Assert.NotEqual((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("MDS_SERVICE_HOST", result.Text + result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MDS_PORT", "8888x")]
    [InlineData("MDS_PORT", "http://10.0.0.1:80")]
    [InlineData("MDS_SERVICES_HOST", "10.0.0.1")]
    [InlineData("MDS_PORT_X_TCP", "tcp://10.0.0.1:80")]
    [InlineData("MDS_QUEUELIMIT", "1MiB")]
    public async Task What_looks_like_them_and_is_none_stays_an_error(string name, string value)
    {
        var result = await MdsProcess.RunAsync(["check-config"], [], new Dictionary<string, string> { [name] = value });
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains(name, result.Error, StringComparison.Ordinal);
    }
}
