namespace MessageDelivery.Comparison.Servers;

/// <summary>mosquitto: MQTT 3.1.1, quality of service 0, nothing stored.</summary>
internal sealed class MosquittoServer() : Server("mosquitto", "mosquitto", "mqtt")
{
    private const string Settings = """
        allow_anonymous true
        max_queued_messages 0
        set_tcp_nodelay true
        persistence false
        log_dest none
        sys_interval 0
        """;

    public override string Configuration => $"`{Settings.ReplaceLineEndings("; ")}`";

    public override Launch LaunchAt(int port, string folder) =>
        new("mosquitto", "-c", Write(folder, "mosquitto.conf", $"listener {port} 127.0.0.1\n{Settings}\n"));

    public override string ReadVersion() => FirstLine("mosquitto", "-h").Replace("version ", "", StringComparison.Ordinal);
}
