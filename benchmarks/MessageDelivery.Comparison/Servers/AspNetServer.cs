using System.Globalization;

namespace MessageDelivery.Comparison.Servers;

/// <summary>A relay on ASP.NET Core's raw WebSockets, in the host <c>peers</c>.</summary>
internal sealed class AspNetServer() : Server("aspnet", "ASP.NET Core", "relay")
{
    public override bool IsWebSocket => true;

    public override string Configuration =>
        "`WebSocketHost.cs`: Kestrel, the middleware for WebSocket and nothing else, no keep-alive; the same just-in-time compiler and collector";

    public override Launch LaunchAt(int port, string folder) =>
        new(Artifact("bin", "MessageDelivery.Peers", "release", "peers"), Name, "--port", port.ToString(CultureInfo.InvariantCulture));

    // It runs on the same machine's newest runtime as this.
    public override string ReadVersion() => $"ASP.NET Core {Environment.Version}";
}
