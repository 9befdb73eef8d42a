using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub;

/// <summary>Tells the audit, if there is one, who comes and goes. Any loop's thread; allocates nothing.</summary>
internal sealed class AuditTrail(IHubAudit? audit)
{
    private static readonly string[] Reasons = [.. Enum.GetValues<CloseReason>().Select(HubMetrics.Name)];
    private static readonly string[] Ends = [.. Enum.GetValues<SessionEnd>().Select(HubMetrics.Name)];

    /// <summary>A connection became a user.</summary>
    public void Joined(ulong userId, Connection connection) => Record(AuditKind.Joined, userId, null, connection);

    /// <summary>A connection has proved who it is; <see cref="Connection.Subject"/> says it.</summary>
    public void Authenticated(Connection connection) => Record(AuditKind.Authenticated, 0, null, connection);

    /// <summary>A user is back on another connection, which may have been taken for a silent text user's until now.</summary>
    public void Resumed(ulong userId, Connection connection) =>
        audit?.Record(Event(AuditKind.Resumed, userId, null, connection) with { Protocol = connection.Layer.UserProtocol ?? "binary" });

    /// <summary>A user's connection was lost.</summary>
    public void Away(ulong userId, CloseReason reason, Connection connection) =>
        Record(AuditKind.Away, userId, Reasons[(int)reason], connection);

    /// <summary>A connection has ended, and its user with it.</summary>
    /// <param name="userId">0 where it had not become a user.</param>
    public void Ended(ulong userId, Connection connection)
    {
        // Without a reason the connection stands: a silent user turned out to be one who resumes.
        var kind = connection.Reason is CloseReason.None or CloseReason.Left or CloseReason.Reset or CloseReason.ShuttingDown or CloseReason.TakenOver
            ? AuditKind.Left
            : userId == 0 ? AuditKind.Refused : AuditKind.Removed;
        Record(kind, userId, connection.Reason == CloseReason.None ? null : Reasons[(int)connection.Reason], connection);
    }

    /// <summary>The session of a user who was away has ended.</summary>
    public void Ended(ulong userId, SessionEnd reason, Connection last)
    {
        var kind = reason is SessionEnd.Expired or SessionEnd.ShuttingDown ? AuditKind.Left : AuditKind.Removed;
        audit?.Record(new(kind, userId, Ends[(int)reason], last.Peer)
        {
            Subject = last.Subject,
            Protocol = last.Protocol,
            IsEncrypted = last.Layer.IsEncrypted,
        });
    }

    /// <summary>A connection was closed before anything was read from it.</summary>
    public void TurnedAway(in PeerAddress address, CloseReason reason) =>
        audit?.Record(new(AuditKind.Refused, 0, Reasons[(int)reason], address));

    private void Record(AuditKind kind, ulong userId, string? reason, Connection connection) =>
        audit?.Record(Event(kind, userId, reason, connection));

    private static AuditEvent Event(AuditKind kind, ulong userId, string? reason, Connection connection) =>
        new(kind, userId, reason, connection.Peer)
        {
            Subject = connection.Subject,
            Protocol = connection.Protocol,
            IsEncrypted = connection.Layer.IsEncrypted,
            Milliseconds = connection.Loop.Now - connection.OpenedAt,
        };
}
