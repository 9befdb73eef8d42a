using System.Globalization;
using MessageDelivery.Comparison.Measuring;

namespace MessageDelivery.Comparison.Servers;

/// <summary>The hub as shipped: limits, metrics and logging are on.</summary>
internal class HubServer(string program, string name = ServerTable.Ours, string title = "ours") : Server(name, title, "mds")
{
    public override string Configuration => "as shipped: every limit, the metrics and the log are on; one event loop, since it has one core";

    public override Launch LaunchAt(int port, string folder) =>
        // One user that asks for list after list is what a row measures.
        new(program, "serve", "--port", port.ToString(CultureInfo.InvariantCulture), "--list-rate", "0");

    public override string ReadVersion() => $"mds {FirstLine(program, "--version")}";
}

/// <summary>The same over WebSocket.</summary>
internal sealed class WebSocketHubServer(string program) : HubServer(program, ServerTable.OursWebSocket, "ours, WebSocket")
{
    public override bool IsWebSocket => true;
}

/// <summary>The hub with two event loops, on the generator's core as well as its own.</summary>
internal sealed class TwoCoreHubServer(string program) : HubServer(program, ServerTable.TwoCores, "ours, two cores")
{
    public override string Configuration => "as shipped, on both cores; two event loops";

    public override IReadOnlyList<int> CoresOf(Cores cores) => [cores.Server, cores.Generator];

    public override Launch LaunchAt(int port, string folder)
    {
        var one = base.LaunchAt(port, folder);
        return one with { Arguments = [.. one.Arguments, "--event-loops", "2"] };
    }
}
