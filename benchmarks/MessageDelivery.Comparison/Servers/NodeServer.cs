using System.Globalization;
using System.Text.Json;

namespace MessageDelivery.Comparison.Servers;

/// <summary>A relay on a library of Node.js: benchmarks/peers-node, with the packages of its lock file.</summary>
internal sealed class NodeServer(string package, string protocol, string configuration) : Server(package, package, protocol)
{
    private static readonly string Folder = Artifact("peers-node");

    private string Script => Path.Combine(Folder, $"{Name}.mjs");

    public override bool IsWebSocket => true;

    public override string Configuration => $"`{Name}.mjs`: {configuration}";

    public static NodeServer Ws() => new("ws", "relay", "bufferutil beside it, no compression");

    public static NodeServer SocketIo() =>
        new("socket.io", "socket.io", "over WebSocket from the beginning, text events, rooms, no compression; no ping within a run");

    public override Launch LaunchAt(int port, string folder) => new("node", Script, port.ToString(CultureInfo.InvariantCulture));

    public override string? FindFault() => base.FindFault() ?? (Directory.Exists(Path.Combine(Folder, "node_modules", Name)) ? null : $"{Script} is missing");

    public override string ReadVersion()
    {
        string path = Path.Combine(Folder, "node_modules", Name, "package.json");
        if (!File.Exists(path))
        {
            return "unknown";
        }

        using var manifest = JsonDocument.Parse(File.ReadAllText(path));
        return $"{Name} {manifest.RootElement.GetProperty("version").GetString()}, Node.js {FirstLine("node", "--version")}";
    }
}
