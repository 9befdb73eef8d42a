namespace MessageDelivery.Protocol;

/// <summary>The first byte of a frame. The hub's frames have the high bit set.</summary>
public enum FrameType : byte
{
    /// <summary>Client: the first frame, once.</summary>
    Hello = 0x01,
    /// <summary>Client: asks for these bytes back.</summary>
    Echo = 0x02,
    /// <summary>Client: asks for its own id.</summary>
    Identity = 0x03,
    /// <summary>Client: asks who else is connected.</summary>
    List = 0x04,
    /// <summary>Client: deliver a body to the listed receivers.</summary>
    Relay = 0x05,
    /// <summary>Client: counted frames received so far.</summary>
    Ack = 0x06,
    /// <summary>Client: asks for a sign of life.</summary>
    Heartbeat = 0x07,
    /// <summary>Client: nothing follows.</summary>
    Goodbye = 0x08,
    /// <summary>Hub: HELLO is accepted.</summary>
    Welcome = 0x81,
    /// <summary>Hub: an ECHO's bytes.</summary>
    EchoReply = 0x82,
    /// <summary>Hub: the asker's id.</summary>
    IdentityReply = 0x83,
    /// <summary>Hub: ids of the others, ascending.</summary>
    ListReply = 0x84,
    /// <summary>Hub: a body and who sent it.</summary>
    Delivery = 0x85,
    /// <summary>Hub: relays processed so far.</summary>
    AckReply = 0x86,
    /// <summary>Hub: answer to a HEARTBEAT.</summary>
    HeartbeatReply = 0x87,
    /// <summary>Hub: nothing follows, and why.</summary>
    GoodbyeReply = 0x88,
    /// <summary>Hub: what became of a relay, one outcome for each receiver as listed.</summary>
    Receipt = 0x89,
    /// <summary>Hub: users that came or went.</summary>
    Presence = 0x8A,
    /// <summary>Hub: a request was wrong; the connection goes on.</summary>
    Error = 0x8B,
}
