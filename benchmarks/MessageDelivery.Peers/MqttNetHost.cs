using System.CommandLine;
using System.Net;
using MQTTnet.Server;

namespace MessageDelivery.Peers;

/// <summary>MQTTnet's broker: no persistence, no logger, no handlers.</summary>
internal static class MqttNetHost
{
    // As many as a sender of ./bench may be ahead, and more: a broker that drops does less work, not the same.
    private const int MaxPendingMessages = 1_000_000;
    private const int Backlog = 16_384;

    public static Command Command()
    {
        var port = PortOption.Create();
        var command = new Command("mqttnet", "MQTTnet's broker, MQTT 3.1.1 and 5.") { port };
        command.SetAction((arguments, stop) => RunAsync(arguments.GetValue(port), stop));
        return command;
    }

    private static async Task<int> RunAsync(int port, CancellationToken stop)
    {
        var options = new MqttServerOptionsBuilder()
            .WithDefaultEndpoint()
            .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback)
            .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            .WithDefaultEndpointPort(port)
            .WithConnectionBacklog(Backlog)
            .WithMaxPendingMessagesPerClient(MaxPendingMessages)
            .Build();
        options.DefaultEndpointOptions.NoDelay = true;
        using var server = new MqttServerFactory().CreateMqttServer(options);
        await server.StartAsync();
        await Until.StoppedAsync(stop);
        await server.StopAsync();
        return 0;
    }
}
