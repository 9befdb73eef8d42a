using System.Net;

namespace MessageDelivery.Hub;

/// <summary>How a <see cref="MessageHub"/> runs. Immutable; change a copy with <c>with</c>.</summary>
public sealed record MessageHubOptions
{
    /// <summary>The port a hub listens on unless told otherwise.</summary>
    public const int DefaultPort = 8888;

    /// <summary>
    /// Addresses and ports to listen on, IPv4 or IPv6. Default: 127.0.0.1:8888. Port 0 takes any free port;
    /// <see cref="MessageHub.Endpoints"/> tells which. An address that is not loopback needs <see cref="AllowAnonymous"/>.
    /// </summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [new(IPAddress.Loopback, DefaultPort)];

    /// <summary>Let anyone who reaches an address that is not loopback in without authentication. Default: false.</summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>
    /// Bytes that may wait in the hub for one user. Default: 64 MiB. A queue below it takes one more relay, whatever its
    /// size; at or above it senders wait. 1 lets each user have one waiting relay.
    /// </summary>
    public long QueueLimitBytes { get; init; } = 64L << 20;

    /// <summary>
    /// How long a receiver whose queue is full may take nothing at all before it is disconnected as a slow consumer.
    /// Default: 10 s.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Connections at one time. Default: null, what the limit of file descriptors allows. One more is answered
    /// <c>too_many_connections</c> and closed.
    /// </summary>
    public int? MaxConnections { get; init; }

    /// <summary>
    /// Bytes of message memory, all users and receive buffers together. Default: null, a quarter of the machine's memory.
    /// When they are in use the hub stops reading until some are free again. The least is 8 MiB.
    /// </summary>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>
    /// How long a binary client may be silent before it has to send a heartbeat; after twice that it is disconnected.
    /// Default: 30 s, whole seconds up to 65,535. Zero turns heartbeats off.
    /// </summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a stopping hub goes on sending what is queued. Default: 10 s. Zero drops it at once.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Threads that move bytes. Default: null, one for each processor the process may use.</summary>
    public int? EventLoops { get; init; }
}
