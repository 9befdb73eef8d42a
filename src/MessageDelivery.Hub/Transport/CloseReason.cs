namespace MessageDelivery.Hub.Transport;

/// <summary>Why a connection ended. Set once, by whoever is first.</summary>
internal enum CloseReason
{
    /// <summary>Still open.</summary>
    None,
    /// <summary>The peer said goodbye, quit, or closed its side.</summary>
    Left,
    /// <summary>The connection broke.</summary>
    Reset,
    /// <summary>The peer broke the protocol.</summary>
    ProtocolError,
    /// <summary>A frame above its limit.</summary>
    FrameTooLarge,
    /// <summary>The peer wanted what the hub does not offer.</summary>
    Unsupported,
    /// <summary>The first bytes or a HELLO took too long.</summary>
    HandshakeTimeout,
    /// <summary>Nothing came for twice the heartbeat.</summary>
    HeartbeatTimeout,
    /// <summary>It took nothing while its queue was full.</summary>
    SlowConsumer,
    /// <summary>Its certificate did not hold, or it had to show one and has none.</summary>
    CertificateRefused,
    /// <summary>The hub had as many connections as it may.</summary>
    TooManyConnections,
    /// <summary>It did too much in too short a time.</summary>
    RateLimited,
    /// <summary>The hub was out of memory for messages.</summary>
    Overloaded,
    /// <summary>The hub stopped.</summary>
    ShuttingDown,
    /// <summary>Another connection went on with its session.</summary>
    TakenOver,
    /// <summary>A defect in the hub; the log has it.</summary>
    InternalError,
    /// <summary>It showed no token where the hub demands one.</summary>
    AuthRequired,
    /// <summary>Its token was refused.</summary>
    AuthFailed,
    /// <summary>Its token has expired.</summary>
    TokenExpired,
    /// <summary>Its token was revoked.</summary>
    Removed,
}
