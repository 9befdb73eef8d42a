using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub;

/// <summary>How a <see cref="MessageHub"/> runs. Immutable; change a copy with <c>with</c>.</summary>
public sealed record MessageHubOptions
{
    /// <summary>The port a hub listens on unless told otherwise.</summary>
    public const int DefaultPort = 8888;

    private const long MaxQueueBytes = 1L << 40;

    /// <summary>
    /// Addresses and ports to listen on, IPv4 or IPv6. Default: 127.0.0.1:8888. Port 0 takes any free port;
    /// <see cref="MessageHub.Endpoints"/> tells which. An address that is not loopback needs an <see cref="Authenticator"/> or
    /// <see cref="AllowAnonymous"/>.
    /// </summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [new(IPAddress.Loopback, DefaultPort)];

    /// <summary>
    /// TCP sockets that listen already, as a service manager passes them, in place of <see cref="Listen"/>; the hub closes them. Default:
    /// none. One whose address is not loopback needs an <see cref="Authenticator"/> or <see cref="AllowAnonymous"/>, too.
    /// </summary>
    public IReadOnlyList<SafeSocketHandle> ListeningSockets { get; init; } = [];

    /// <summary>
    /// Let anyone who reaches an address that is not loopback in without authentication. Default: false. It excludes an
    /// <see cref="Authenticator"/>.
    /// </summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>
    /// Verifies tokens; with it a token is required, and <see cref="MessageHub.UseAuthenticator"/> may replace it. Default: null, no token is
    /// required.
    /// </summary>
    public IAuthenticator? Authenticator { get; init; }

    /// <summary>
    /// Bytes that may wait in the hub for one user. Default: 64 MiB. A queue below it takes one more relay, whatever its
    /// size; at or above it senders wait. 1 lets each user have one waiting relay. What a resumable user has got and not acknowledged
    /// counts, too; beyond that it may be up to 16 MiB, or an eighth of <see cref="MemoryLimitBytes"/> if that is less, or four times
    /// this if that is more, where its acknowledgement stands behind requests of its own that wait, and twice that with their answers.
    /// </summary>
    public long QueueLimitBytes { get; init; } = 64L << 20;

    /// <summary>
    /// What becomes of relays for a receiver whose queue is full. Default: their sender waits, and everything behind them with it.
    /// <see cref="Hub.FullQueue.LeaveOut"/> is for users to whom being late is worse than being left out. An identity may have a rule of
    /// its own (<see cref="Identity.FullQueue"/>).
    /// </summary>
    public FullQueue FullQueue { get; init; }

    /// <summary>
    /// How long a receiver whose queue is full may take nothing at all before it is disconnected as a slow consumer.
    /// Default: 10 s.
    /// </summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Connections at one time. Default: null, what the limit of file descriptors allows. One more is answered
    /// <c>too_many_connections</c> and closed. A connection counts until its socket is closed; one that has said goodbye and is not closed
    /// yet is closed at once for one that comes.
    /// </summary>
    public int? MaxConnections { get; init; }

    /// <summary>
    /// Connections at one time that <see cref="HubHttpOptions.Server"/> serves; they count among <see cref="MaxConnections"/>, too. One more is
    /// answered 503. Default: 1,000. Zero is no limit.
    /// </summary>
    public int MaxHttpConnections { get; init; } = 1_000;

    /// <summary>Whether a connection that says nothing is listed as a text user after a second. Default: it is, as someone at <c>nc</c> expects.</summary>
    public SilentUsers SilentUsers { get; init; }

    /// <summary>
    /// Bytes of message memory, all users and receive buffers together. Default: null, a quarter of the memory of the machine, or of the container's limit where that is less.
    /// When they are in use the hub stops reading until some are free again. The least is 8 MiB.
    /// </summary>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>
    /// Bytes that the kernel may hold for one user beside the queue (SO_SNDBUF, socket(7)); the system's <c>net.core.wmem_max</c>
    /// is above it. Default: 512 KiB, up to 1 GiB. Zero lets the kernel choose, up to <c>net.ipv4.tcp_wmem</c>.
    /// </summary>
    public int SendBufferBytes { get; init; } = 512 << 10;

    /// <summary>
    /// How long a binary client may be silent before it has to send a heartbeat; after twice that it is disconnected.
    /// Default: 30 s, whole seconds up to 65,535. Zero turns heartbeats off.
    /// </summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a machine may give no sign of life before the connection counts as lost, text users and silent ones among them: half of
    /// the time passes in silence, in the other half the kernel asks four times (TCP keepalive). Also how long what was sent may stay
    /// unacknowledged while nothing at all comes of the other machine. One that is there and whose program does not read stays. Default:
    /// 120 s, whole seconds from 2 to 43,200. Zero never asks.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>
    /// How long a user whose connection was lost stays listed and may resume. Default: 120 s, whole seconds up to a day. Zero
    /// offers no resumable sessions.
    /// </summary>
    public TimeSpan ResumeWindow { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>
    /// Bytes that are kept for a user who is away, beside what it had not acknowledged when its connection was lost. Default:
    /// 8 MiB. One more ends its session. Zero keeps nothing more.
    /// </summary>
    public long ResumeRetentionBytes { get; init; } = 8L << 20;

    /// <summary>
    /// How long the receipt of a relay with CONFIRM waits for receivers to acknowledge it, from when it is known whom it has reached. Default: 30 s,
    /// up to a day.
    /// </summary>
    public TimeSpan ConfirmTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a stopping hub goes on sending what is queued. Default: 10 s. Zero drops it at once.</summary>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Threads that move bytes. Default: null, one for each processor the process may use.</summary>
    public int? EventLoops { get; init; }

    /// <summary>Is told of users that join, are refused, leave and are removed, and why. Default: null, no audit.</summary>
    public IHubAudit? Audit { get; init; }

    /// <summary>What one user, or one address, may do.</summary>
    public HubLimits Limits { get; init; } = new();

    /// <summary>TLS on the same port. Default: off.</summary>
    public HubTlsOptions Tls { get; init; } = new();

    /// <summary>HTTP and WebSocket on the same port. Default: WebSocket for pages of the hub's own host, and no server for other requests.</summary>
    public HubHttpOptions Http { get; init; } = new();

    /// <summary>The options that are numbers, sizes, times or words: names, bounds and what they mean. Those of <see cref="Limits"/> are in a table of its own.</summary>
    internal static IReadOnlyList<HubOption> Table { get; } =
    [
        new("queue-limit", nameof(QueueLimitBytes), HubOptionKind.Size, 1, MaxQueueBytes, "Bytes that may wait for one user; at or above it senders wait.",
            static options => options.QueueLimitBytes, static (options, bytes) => options with { QueueLimitBytes = bytes }),
        new("full-queue", nameof(FullQueue), HubOptionKind.Word, 0, 1,
            "What becomes of a relay for a user whose queue is full: wait makes its sender wait, leave-out leaves that user out.",
            static options => (long)options.FullQueue, static (options, rule) => options with { FullQueue = (FullQueue)rule })
        { WordName = "RULE", Words = ["wait", "leave-out"] },
        new("stall-timeout", nameof(StallTimeout), HubOptionKind.Time, TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerDay,
            "Disconnect a user who takes nothing for so long while its queue is full.",
            static options => options.StallTimeout.Ticks, static (options, time) => options with { StallTimeout = new(time) }),
        new("max-connections", nameof(MaxConnections), HubOptionKind.Count, 1, HubLimits.MaxConnections, "Connections at one time; one more is refused.",
            static options => options.MaxConnections, static (options, most) => options with { MaxConnections = checked((int)most) })
        { Default = "what the file descriptors allow" },
        new("max-http-connections", nameof(MaxHttpConnections), HubOptionKind.Count, 0, HubLimits.MaxConnections, "Connections at one time that are served as HTTP; one more is refused. 0 is no limit.",
            static options => options.MaxHttpConnections, static (options, most) => options with { MaxHttpConnections = checked((int)most) }),
        new("silent-users", nameof(SilentUsers), HubOptionKind.Word, 0, 1,
            "Whether a connection that says nothing is listed after a second; with off it is listed once it has spoken.",
            static options => (long)options.SilentUsers, static (options, rule) => options with { SilentUsers = (SilentUsers)rule })
        { WordName = "SWITCH", Words = ["on", "off"] },
        new("memory-limit", nameof(MemoryLimitBytes), HubOptionKind.Size, BlockPool.MinLimitBytes, 1L << 44,
            "Memory for all messages together; when it is in use the hub stops reading.",
            static options => options.MemoryLimitBytes, static (options, bytes) => options with { MemoryLimitBytes = bytes })
        { Default = "a quarter of the machine's memory" },
        new("send-buffer", nameof(SendBufferBytes), HubOptionKind.Size, 0, 1 << 30, "Bytes that the kernel may hold for one user; 0 lets the kernel choose.",
            static options => options.SendBufferBytes, static (options, bytes) => options with { SendBufferBytes = checked((int)bytes) }),
        new("heartbeat", nameof(Heartbeat), HubOptionKind.WholeSeconds, 0, ushort.MaxValue * TimeSpan.TicksPerSecond,
            "A binary client silent for twice this is disconnected; whole seconds, 0 is never.",
            static options => options.Heartbeat.Ticks, static (options, time) => options with { Heartbeat = new(time) }),
        new("keepalive", nameof(KeepAlive), HubOptionKind.WholeSeconds, 0, 12 * TimeSpan.TicksPerHour,
            "A connection whose machine gives no sign of life for so long is lost; whole seconds from 2, 0 is never.",
            static options => options.KeepAlive.Ticks, static (options, time) => options with { KeepAlive = new(time) })
        { MinUnlessZero = 2 * TimeSpan.TicksPerSecond },
        new("resume-window", nameof(ResumeWindow), HubOptionKind.WholeSeconds, 0, TimeSpan.TicksPerDay,
            "How long a user whose connection was lost may resume; whole seconds, 0 offers no resuming.",
            static options => options.ResumeWindow.Ticks, static (options, time) => options with { ResumeWindow = new(time) }),
        new("resume-retention", nameof(ResumeRetentionBytes), HubOptionKind.Size, 0, MaxQueueBytes, "Bytes kept for a user who is away; one more ends its session.",
            static options => options.ResumeRetentionBytes, static (options, bytes) => options with { ResumeRetentionBytes = bytes }),
        new("confirm-timeout", nameof(ConfirmTimeout), HubOptionKind.Time, TimeSpan.TicksPerMillisecond, TimeSpan.TicksPerDay,
            "How long the receipt of a confirmed relay waits for its receivers.",
            static options => options.ConfirmTimeout.Ticks, static (options, time) => options with { ConfirmTimeout = new(time) }),
        new("drain-timeout", nameof(DrainTimeout), HubOptionKind.Time, 0, TimeSpan.TicksPerDay,
            "How long a stopping hub goes on sending what is queued; 0 drops it.",
            static options => options.DrainTimeout.Ticks, static (options, time) => options with { DrainTimeout = new(time) }),
        new("event-loops", nameof(EventLoops), HubOptionKind.Count, 1, 1_024, "Threads that move bytes.",
            static options => options.EventLoops, static (options, loops) => options with { EventLoops = checked((int)loops) })
        { Default = "one for each processor" },
    ];

    /// <summary>A quarter of the memory that the machine, or the container, has.</summary>
    internal static long DefaultMemoryLimitBytes => Math.Max(BlockPool.MinLimitBytes, MachineMemory.LimitBytes() / 4);

    /// <summary>Checks every option; an impossible one is named with its value and its limit.</summary>
    /// <exception cref="ArgumentException">An option is impossible.</exception>
    internal void Validate()
    {
        if (Listen.Count == 0)
        {
            throw new ArgumentException("Listen names no address; a hub listens on at least one.", nameof(Listen));
        }

        if (AllowAnonymous && Authenticator is not null)
        {
            throw new ArgumentException(
                "AllowAnonymous lets people in without a token, and Authenticator demands one; they exclude each other.", nameof(AllowAnonymous));
        }

        if (ListeningSockets.Count == 0 && Listen.FirstOrDefault(IsOpenToStrangers) is { } open)
        {
            throw new ArgumentException(
                $"Listen names {open}, which others can reach, and there is no authentication; Authenticator demands one, AllowAnonymous allows that.", nameof(Listen));
        }

        Tls.Validate();
        Http.Validate();
        foreach (var option in HubOption.All)
        {
            option.Validate(this);
        }
    }

    /// <summary>Whether other machines can reach the address without authentication, and that is not allowed.</summary>
    internal bool IsOpenToStrangers(IPEndPoint endpoint) =>
        !AllowAnonymous && Authenticator is null && !IPAddress.IsLoopback(endpoint.Address);
}
