using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols;

/// <summary>What sessions tell their users, and keep them to.</summary>
/// <param name="HeartbeatSeconds">Seconds of silence after which a program sends a heartbeat; 0 is never.</param>
/// <param name="MaxConnections">Connections the hub takes at one time.</param>
internal sealed record SessionLimits(ushort HeartbeatSeconds, int MaxConnections)
{
    /// <summary>How long a connection may be silent before it is a text user.</summary>
    public const long SilenceMilliseconds = 1_000;

    private readonly HubLimits _user = new();

    /// <summary>What one user may do.</summary>
    public HubLimits User
    {
        get => _user;
        init
        {
            _user = value;
            Rates = PaceRates.Of(value);
            Identities = new(value.MaxConnectionsPerUser);
        }
    }

    /// <summary>How fast a user may be that has no rates of its own.</summary>
    public PaceRates Rates { get; private init; } = PaceRates.Of(new());

    /// <summary>How many connections each identity has, on all loops.</summary>
    public IdentityQuota Identities { get; private init; } = new(new HubLimits().MaxConnectionsPerUser);

    /// <summary>What becomes of relays for a full receiver, where the sender's identity has no rule of its own.</summary>
    public FullQueue FullQueue { get; init; }

    /// <summary>Seconds of silence after which the program at the other end of a connection sends a heartbeat; 0 is never.</summary>
    public ushort HeartbeatSecondsOf(Connection connection) =>
        HeartbeatSeconds == 0 ? (ushort)0 : (ushort)Math.Max(HeartbeatSeconds, connection.Layer.MinHeartbeatSeconds);

    /// <summary>Whether connections that say nothing are users.</summary>
    public SilentUsers SilentUsers { get; init; }

    /// <summary>The most bytes of a relay's body.</summary>
    public int MaxBodyBytes => User.MaxBodyBytes == 0 ? ProtocolLimits.MaxBodyBytes : User.MaxBodyBytes;

    /// <summary>The most receivers of a relay.</summary>
    public int MaxReceivers => User.MaxReceivers == 0 ? ProtocolLimits.MaxReceivers : User.MaxReceivers;

    /// <summary>Whether a relay that is as the protocol wants it may still be refused, or has to be counted.</summary>
    /// <param name="rates">Of the user.</param>
    public bool LimitRelays(PaceRates rates) =>
        MaxBodyBytes < ProtocolLimits.MaxBodyBytes || MaxReceivers < ProtocolLimits.MaxReceivers || rates.LimitRelays;

    /// <summary>How fast somebody may be: as this says, where the identity has no rates of its own.</summary>
    public PaceRates RatesOf(Identity? identity) => identity is null ? Rates : Rates.With(identity.RelaysPerSecond, identity.BytesPerSecond);

    /// <summary>Whether all relays of this identity leave full receivers out.</summary>
    public bool LeavesOutFull(Identity? identity) => (identity?.FullQueue ?? FullQueue) == FullQueue.LeaveOut;

    /// <summary>When something that begins now has to be finished, in a loop's milliseconds.</summary>
    public long HandshakeDue(long now) => Due(User.HandshakeTimeout, now);

    /// <summary>When a connection that was accepted then has to have said who it is.</summary>
    public long AuthenticationDue(long openedAt) => Due(User.AuthenticationTimeout, openedAt);

    private static long Due(TimeSpan time, long from) => time == TimeSpan.Zero ? long.MaxValue : from + (long)time.TotalMilliseconds;
}
