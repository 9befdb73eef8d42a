namespace MessageDelivery.Protocol;

/// <summary>The sizes and numbers of wire protocol version 1 that hub and clients must agree on.</summary>
public static class ProtocolLimits
{
    /// <summary>The version that HELLO and WELCOME carry.</summary>
    public const ushort Version = 1;

    /// <summary>The four bytes "MDS1" that begin a HELLO's payload, as a little-endian integer.</summary>
    public const uint Magic = 0x3153444D;

    /// <summary>Bytes of every frame's header.</summary>
    public const int HeaderBytes = 8;

    /// <summary>Bytes before a DELIVERY's body: its header and the sender's id.</summary>
    public const int DeliveryHeaderBytes = 16;

    /// <summary>The most bytes a body may have: 1,048,576.</summary>
    public const int MaxBodyBytes = 1 << 20;

    /// <summary>The most receivers a relay may list: 255.</summary>
    public const int MaxReceivers = 255;

    /// <summary>The most bytes a token in HELLO may have.</summary>
    public const int MaxTokenBytes = 8_192;

    /// <summary>Bytes of a session key.</summary>
    public const int SessionKeyBytes = 16;

    /// <summary>The most a HELLO's length may be: magic, key, total and token.</summary>
    public const int MaxHelloLength = 4 + SessionKeyBytes + 8 + MaxTokenBytes;

    /// <summary>The most a RELAY's length may be, whatever its argument.</summary>
    public const int MaxRelayLength = 1_050_624;

    /// <summary>The most a GOODBYE's or ERROR's length may be.</summary>
    public const int MaxTextLength = 1_024;

    /// <summary>The most ids one LIST or PRESENCE frame holds.</summary>
    public const int MaxIdsPerFrame = 131_072;

    /// <summary>The most bytes of a text command line or line of ids, without its line end.</summary>
    public const int MaxLineBytes = 8_192;

    /// <summary>Ids stay below this, so that they survive as JavaScript numbers.</summary>
    public const ulong MaxUserIdExclusive = 1UL << 53;
}
