namespace MessageDelivery.Protocol;

/// <summary>The argument of ERROR and GOODBYE: what was wrong, or why a connection ends.</summary>
public enum ProtocolCode : ushort
{
    /// <summary>Nothing was wrong.</summary>
    Normal = 0,
    /// <summary>The hub is stopping.</summary>
    ShuttingDown = 1,
    /// <summary>The peer broke the protocol.</summary>
    ProtocolError = 2,
    /// <summary>A frame, line or body above its limit.</summary>
    FrameTooLarge = 3,
    /// <summary>A version, type, flag or argument this hub does not offer.</summary>
    Unsupported = 4,
    /// <summary>No receivers, too many, or not ids.</summary>
    InvalidReceivers = 5,
    /// <summary>A token is needed.</summary>
    AuthRequired = 6,
    /// <summary>The token was refused.</summary>
    AuthFailed = 7,
    /// <summary>The first bytes, a TLS handshake or a HELLO took too long.</summary>
    HandshakeTimeout = 8,
    /// <summary>Nothing came for twice the heartbeat.</summary>
    HeartbeatTimeout = 9,
    /// <summary>The receiver took nothing while its queue was full.</summary>
    SlowConsumer = 10,
    /// <summary>Another connection resumed the session.</summary>
    TakenOver = 11,
    /// <summary>The hub has as many connections as it may.</summary>
    TooManyConnections = 12,
    /// <summary>Too much in too short a time.</summary>
    RateLimited = 13,
    /// <summary>An operator removed the user.</summary>
    Removed = 14,
    /// <summary>The hub is out of memory for messages.</summary>
    Overloaded = 15,
    /// <summary>A right that this user does not have.</summary>
    NotAllowed = 16,
}

/// <summary>Whether a client should connect again after a code.</summary>
public enum ReconnectAdvice
{
    /// <summary>Connecting again would end the same way.</summary>
    No,
    /// <summary>At once.</summary>
    Yes,
    /// <summary>After a pause.</summary>
    AfterPause,
    /// <summary>Only with a token, or another one.</summary>
    WithToken,
}

/// <summary>What the codes mean, as data.</summary>
public static class ProtocolCodeExtensions
{
    /// <summary>The name as text users see it, such as <c>frame_too_large</c>; <c>code_N</c> for one this version does not know.</summary>
    public static string Name(this ProtocolCode code) => code switch
    {
        ProtocolCode.Normal => "normal",
        ProtocolCode.ShuttingDown => "shutting_down",
        ProtocolCode.ProtocolError => "protocol_error",
        ProtocolCode.FrameTooLarge => "frame_too_large",
        ProtocolCode.Unsupported => "unsupported",
        ProtocolCode.InvalidReceivers => "invalid_receivers",
        ProtocolCode.AuthRequired => "auth_required",
        ProtocolCode.AuthFailed => "auth_failed",
        ProtocolCode.HandshakeTimeout => "handshake_timeout",
        ProtocolCode.HeartbeatTimeout => "heartbeat_timeout",
        ProtocolCode.SlowConsumer => "slow_consumer",
        ProtocolCode.TakenOver => "taken_over",
        ProtocolCode.TooManyConnections => "too_many_connections",
        ProtocolCode.RateLimited => "rate_limited",
        ProtocolCode.Removed => "removed",
        ProtocolCode.Overloaded => "overloaded",
        ProtocolCode.NotAllowed => "not_allowed",
        _ => "code_" + ((ushort)code).ToString(System.Globalization.CultureInfo.InvariantCulture),
    };

    /// <summary>Whether to connect again after a GOODBYE with this code.</summary>
    public static ReconnectAdvice Advice(this ProtocolCode code) => code switch
    {
        ProtocolCode.HandshakeTimeout or ProtocolCode.HeartbeatTimeout or ProtocolCode.SlowConsumer => ReconnectAdvice.Yes,
        ProtocolCode.ShuttingDown or ProtocolCode.TooManyConnections or ProtocolCode.RateLimited
            or ProtocolCode.Overloaded => ReconnectAdvice.AfterPause,
        ProtocolCode.AuthRequired or ProtocolCode.AuthFailed => ReconnectAdvice.WithToken,
        _ => ReconnectAdvice.No,
    };
}
