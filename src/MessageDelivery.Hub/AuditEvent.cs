using System.Net;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub;

/// <summary>What an <see cref="AuditEvent"/> says has happened.</summary>
public enum AuditKind
{
    /// <summary>A connection became a user: it has its id and can be reached.</summary>
    Joined,

    /// <summary>A connection has proved who it is.</summary>
    Authenticated,

    /// <summary>A user whose connection was lost has come back on another one.</summary>
    Resumed,

    /// <summary>A user's connection was lost; it may come back.</summary>
    Away,

    /// <summary>A user, or a connection that never became one, has gone by itself, broke, or left with the hub.</summary>
    Left,

    /// <summary>The hub ended a user's connection or session.</summary>
    Removed,

    /// <summary>The hub ended a connection that had not become a user.</summary>
    Refused,
}

/// <summary>Somebody came, was refused, went or was removed. A small value; holds on to nothing.</summary>
public readonly record struct AuditEvent
{
    internal AuditEvent(AuditKind kind, ulong userId, string? reason, in PeerAddress peer)
    {
        Kind = kind;
        UserId = userId;
        Reason = reason;
        PeerAddress = peer;
    }

    /// <summary>What has happened.</summary>
    public AuditKind Kind { get; }

    /// <summary>The user's id; 0 where the connection has not become a user.</summary>
    public ulong UserId { get; }

    /// <summary>
    /// Why, as metrics spell it (<c>slow_consumer</c>), for <see cref="AuditKind.Away"/>, <see cref="AuditKind.Left"/>,
    /// <see cref="AuditKind.Removed"/> and <see cref="AuditKind.Refused"/>; else null.
    /// </summary>
    public string? Reason { get; }

    /// <summary>Who it has proved to be, where there is authentication; else null. Never a secret.</summary>
    public string? Subject { get; init; }

    /// <summary><c>text</c> or <c>binary</c>; null where that is not known, as for a connection that said nothing.</summary>
    public string? Protocol { get; init; }

    /// <summary>Whether the connection is encrypted.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>How long the connection had been open, in milliseconds; 0 for a session that ends without one.</summary>
    public long Milliseconds { get; init; }

    /// <summary>
    /// The peer's address and port; null where the connection has none. Made anew by each call.
    /// </summary>
    public IPEndPoint? Peer => PeerAddress.ToEndPoint();

    internal PeerAddress PeerAddress { get; }
}

/// <summary>Takes what a hub tells about who comes and goes.</summary>
public interface IHubAudit
{
    /// <summary>
    /// Something has happened. Called on a thread of its own, one event after the other; what takes long is overtaken by a bounded
    /// queue, beyond which events are lost and the log says so. An exception costs that event, and is logged.
    /// </summary>
    void Record(in AuditEvent auditEvent);

    /// <summary>
    /// Whether <see cref="Record"/> always returns at once. Then it is called on the hub's own threads, by several at a time, with no queue
    /// between; one that waits all the same makes users wait. Read once. Default: false.
    /// </summary>
    bool NeverWaits => false;
}
