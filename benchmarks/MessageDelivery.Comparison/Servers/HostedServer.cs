using System.Diagnostics;
using System.Globalization;

namespace MessageDelivery.Comparison.Servers;

/// <summary>A server that comes as a library, in the host <c>peers</c>.</summary>
internal sealed class HostedServer(string name, string title, string protocol, string library, string configuration)
    : Server(name, title, protocol)
{
    private static readonly string Folder = Artifact("bin", "MessageDelivery.Peers", "release");

    public override string Configuration =>
        $"{configuration}; just-in-time compiler with profile-guided optimisation, workstation collector without a thread of its own";

    public static HostedServer MqttNet() => new(
        "mqttnet", "MQTTnet", "mqtt", "MQTTnet.Server.dll",
        "nothing stored, no log, no delay of small packets, 1,000,000 messages may wait for a client");

    public static HostedServer Garnet() => new(
        "garnet", "Garnet", "redis", "Garnet.server.dll",
        "no append-only file, no checkpoints, 16 MB for keys, log pages of 4 MB for subscriptions, log level Error");

    public override Launch LaunchAt(int port, string folder) =>
        new(Path.Combine(Folder, "peers"), Name, "--port", port.ToString(CultureInfo.InvariantCulture));

    public override string ReadVersion()
    {
        string? version = FileVersionInfo.GetVersionInfo(Path.Combine(Folder, library)).ProductVersion;
        return $"{Title} {version?.Split('+')[0] ?? "unknown"}";
    }
}
