namespace MessageDelivery.Comparison.Servers;

/// <summary>nats-server: core NATS, nothing stored.</summary>
internal class NatsServer(string name = ServerTable.Nats, string title = "nats-server") : Server(name, title, "nats")
{
    private const string Settings = """
        max_payload: 8MB
        max_pending: 1GB
        write_deadline: "60s"
        debug: false
        trace: false
        """;

    public override string Configuration =>
        $"`{Settings.ReplaceLineEndings("; ")}`; log to a file; one core, so Go runs one thread of code (GOMAXPROCS 1)";

    public override Launch LaunchAt(int port, string folder) =>
        new("nats-server", "--config", Write(folder, "nats.conf", $"{Listen(port)}\n{Settings}\n"));

    public override string ReadVersion() => FirstLine("nats-server", "--version").Replace("nats-server: v", "nats-server ", StringComparison.Ordinal);

    protected virtual string Listen(int port) => $"listen: 127.0.0.1:{port}";
}

/// <summary>The same over its WebSocket, neither compressed nor in TLS.</summary>
internal sealed class WebSocketNatsServer() : NatsServer(ServerTable.NatsWebSocket, "nats-server, WebSocket")
{
    private const string Settings = "no_tls: true, compression: false";

    public override bool IsWebSocket => true;

    public override string Configuration => $"the same, and `websocket {{ {Settings} }}`";

    // It listens for its plain protocol, too, wherever it likes.
    protected override string Listen(int port) => $"listen: 127.0.0.1:-1\nwebsocket {{ listen: \"127.0.0.1:{port}\", {Settings} }}";
}
