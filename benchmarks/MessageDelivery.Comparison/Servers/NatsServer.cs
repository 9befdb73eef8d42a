namespace MessageDelivery.Comparison.Servers;

/// <summary>nats-server: core NATS, nothing stored.</summary>
internal sealed class NatsServer() : Server("nats", "nats-server", "nats")
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
        new("nats-server", "--config", Write(folder, "nats.conf", $"listen: 127.0.0.1:{port}\n{Settings}\n"));

    public override string ReadVersion() => FirstLine("nats-server", "--version").Replace("nats-server: v", "nats-server ", StringComparison.Ordinal);
}
