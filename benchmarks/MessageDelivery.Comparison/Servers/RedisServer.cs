namespace MessageDelivery.Comparison.Servers;

/// <summary>redis-server as a broker: pub/sub, nothing stored.</summary>
internal sealed class RedisServer() : Server("redis", "redis-server", "redis")
{
    private const string Settings = """
        save ""
        appendonly no
        client-output-buffer-limit pubsub 0 0 0
        maxclients 30000
        loglevel warning
        """;

    public override string Configuration => $"`{Settings.ReplaceLineEndings("; ")}`";

    public override Launch LaunchAt(int port, string folder) =>
        new("redis-server", Write(folder, "redis.conf", $"bind 127.0.0.1\nport {port}\ndir {folder}\ndaemonize no\n{Settings}\n"));

    public override string ReadVersion()
    {
        string line = FirstLine("redis-server", "--version");
        return $"redis-server {line.Split(' ').FirstOrDefault(word => word.StartsWith("v=", StringComparison.Ordinal))?[2..] ?? line}";
    }
}
