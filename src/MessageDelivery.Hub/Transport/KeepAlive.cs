using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// How the kernel asks a peer from which nothing comes whether it is still there (SO_KEEPALIVE, socket(7) and tcp(7)). Without that one
/// whose machine is gone, and to which nothing is sent, would stay for ever.
/// </summary>
internal readonly unsafe struct KeepAlive
{
    private const int Probes = 4;

    private KeepAlive(int seconds)
    {
        IdleSeconds = Math.Max(1, seconds / 2);
        int rest = Math.Max(1, seconds - IdleSeconds);
        IntervalSeconds = Math.Max(1, rest / Probes);
        Count = rest / IntervalSeconds;
    }

    /// <summary>Silence before the first question; 0 asks nothing.</summary>
    public int IdleSeconds { get; }

    /// <summary>Seconds from one question to the next.</summary>
    public int IntervalSeconds { get; }

    /// <summary>Questions without an answer after which the peer is gone.</summary>
    public int Count { get; }

    /// <summary>Half of a time for silence, the other half for questions; zero asks nothing.</summary>
    public static KeepAlive Within(TimeSpan time) => time == TimeSpan.Zero ? default : new((int)time.TotalSeconds);

    /// <summary>Sets it on a socket, or on a listening one for all that it will accept.</summary>
    public void Apply(int socket)
    {
        if (IdleSeconds > 0)
        {
            Set(socket, Libc.ProtocolTcp, Libc.TcpKeepIdle, IdleSeconds);
            Set(socket, Libc.ProtocolTcp, Libc.TcpKeepInterval, IntervalSeconds);
            Set(socket, Libc.ProtocolTcp, Libc.TcpKeepCount, Count);
            Set(socket, Libc.LevelSocket, Libc.OptionKeepAlive, 1);
        }
    }

    private static void Set(int socket, int level, int option, int value) => Libc.SetSocketOption(socket, level, option, &value, sizeof(int));
}
