namespace MessageDelivery.Comparison.Servers;

/// <summary>Every server that can take part, in the order of the tables.</summary>
internal static class ServerTable
{
    /// <summary>The server that all others are compared with.</summary>
    public const string Ours = "hub";

    /// <summary>The least a hub can do; no peer.</summary>
    public const string Floor = "floor";

    public const string TwoCores = "hub-two-cores";

    public const string OursWebSocket = "hub-ws";

    public const string Nats = "nats";

    public const string NatsWebSocket = "nats-ws";

    /// <summary>The names that tables and plots have a place for, whether or not a run had them.</summary>
    public static IReadOnlyList<(string Name, string Title)> Columns { get; } =
    [
        (Ours, "ours"), (Nats, "nats-server"), ("redis", "redis-server"), ("mosquitto", "mosquitto"),
        ("mqttnet", "MQTTnet"), ("garnet", "Garnet"), (Floor, "floor (C)"),
    ];

    /// <summary>The same for the rows of WebSocket. Two of the servers take part in them over plain TCP, too.</summary>
    public static IReadOnlyList<(string Name, string Title)> WebSocketColumns { get; } =
    [
        (Ours, "ours, TCP"), (OursWebSocket, "ours, WebSocket"), (Nats, "nats-server, TCP"), (NatsWebSocket, "nats-server, WebSocket"),
        ("aspnet", "ASP.NET Core"), ("ws", "ws"), ("socket.io", "socket.io"),
    ];

    /// <param name="hub">The hub's program.</param>
    public static IReadOnlyList<Server> Create(string hub) =>
    [
        new HubServer(hub), new NatsServer(), new RedisServer(), new MosquittoServer(),
        HostedServer.MqttNet(), HostedServer.Garnet(), new FloorServer(), new TwoCoreHubServer(hub),
        new WebSocketHubServer(hub), new WebSocketNatsServer(), new AspNetServer(), NodeServer.Ws(), NodeServer.SocketIo(),
    ];

    /// <summary>Whether it takes part in every row that does not name its servers.</summary>
    public static bool IsGeneral(string name) => Columns.Any(column => column.Name == name);

    public static bool IsPeer(string name) => name is not (Ours or Floor or TwoCores or OursWebSocket);
}
