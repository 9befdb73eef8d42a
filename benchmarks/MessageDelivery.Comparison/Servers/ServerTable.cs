namespace MessageDelivery.Comparison.Servers;

/// <summary>Every server that can take part, in the order of the tables.</summary>
internal static class ServerTable
{
    /// <summary>The server that all others are compared with.</summary>
    public const string Ours = "hub";

    /// <summary>The least a hub can do; no peer.</summary>
    public const string Floor = "floor";

    public const string TwoCores = "hub-two-cores";

    /// <summary>The names that tables and plots have a place for, whether or not a run had them.</summary>
    public static IReadOnlyList<(string Name, string Title)> Columns { get; } =
    [
        (Ours, "ours"), ("nats", "nats-server"), ("redis", "redis-server"), ("mosquitto", "mosquitto"),
        ("mqttnet", "MQTTnet"), ("garnet", "Garnet"), (Floor, "floor (C)"),
    ];

    /// <param name="hub">The hub's program.</param>
    public static IReadOnlyList<Server> Create(string hub) =>
    [
        new HubServer(hub), new NatsServer(), new RedisServer(), new MosquittoServer(),
        HostedServer.MqttNet(), HostedServer.Garnet(), new FloorServer(), new TwoCoreHubServer(hub),
    ];

    public static bool IsPeer(string name) => name is not (Ours or Floor or TwoCores);
}
