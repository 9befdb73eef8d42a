using System.CommandLine;
using System.Globalization;
using Garnet;

namespace MessageDelivery.Peers;

/// <summary>Garnet: no append-only file, no checkpoints, little room for keys, pub/sub on.</summary>
internal static class GarnetHost
{
    public static Command Command()
    {
        var port = PortOption.Create();
        var command = new Command("garnet", "Garnet, a server for Redis' protocol.") { port };
        command.SetAction((arguments, stop) => RunAsync(arguments.GetValue(port), stop));
        return command;
    }

    private static async Task<int> RunAsync(int port, CancellationToken stop)
    {
        string[] options =
        [
            "--bind", "127.0.0.1",
            "--port", port.ToString(CultureInfo.InvariantCulture),
            "--memory", "16m",
            "--page", "1m",
            "--index", "1m",
            // The largest body and its header must fit into a page of the log that subscriptions are served from.
            "--pubsub-pagesize", "4m",
            "--logger-level", "Error",
            "-q",
        ];
        using var server = new GarnetServer(options);
        server.Start();
        await Until.StoppedAsync(stop);
        return 0;
    }
}
