namespace MessageDelivery.Hub.Transport;

/// <summary>Why a connection ended. Set once: the first reason stands.</summary>
internal enum CloseReason : byte
{
    /// <summary>Still open.</summary>
    None,
    /// <summary>The peer said goodbye, quit, or closed its side of the connection.</summary>
    Left,
    /// <summary>The connection was reset, or the peer vanished.</summary>
    Reset,
    /// <summary>The peer broke the protocol.</summary>
    ProtocolError,
    /// <summary>A frame above its limit.</summary>
    FrameTooLarge,
    /// <summary>The peer asked for something that the hub does not offer.</summary>
    Unsupported,
    /// <summary>The first bytes or a HELLO took too long.</summary>
    HandshakeTimeout,
    /// <summary>Nothing came for twice the heartbeat interval, or too little of a request that had begun.</summary>
    HeartbeatTimeout,
    /// <summary>It received nothing for the stall limit while its queue was full.</summary>
    SlowConsumer,
    /// <summary>Its client certificate was not valid, or it had to show one and has none.</summary>
    CertificateRefused,
    /// <summary>The hub, its address or its identity had as many connections as allowed.</summary>
    TooManyConnections,
    /// <summary>It exceeded a rate limit.</summary>
    RateLimited,
    /// <summary>The hub was out of memory for messages.</summary>
    Overloaded,
    /// <summary>The hub stopped.</summary>
    ShuttingDown,
    /// <summary>Another connection took over its session.</summary>
    TakenOver,
    /// <summary>A defect in the hub; the log has it.</summary>
    InternalError,
    /// <summary>It showed no token, and the hub requires one.</summary>
    AuthRequired,
    /// <summary>Its token was refused.</summary>
    AuthFailed,
    /// <summary>Its token has expired.</summary>
    TokenExpired,
    /// <summary>Its token was revoked.</summary>
    Removed,
}
