namespace MessageDelivery.Protocol;

/// <summary>What the protocol says of one type of frame (docs/protocol.md, section 4). Whatever depends on a frame's type reads it here.</summary>
public sealed class FrameRule
{
    private const uint MaxIdsLength = sizeof(ulong) * ProtocolLimits.MaxIdsPerFrame;

    /// <summary>All types, clients' first.</summary>
    public static IReadOnlyList<FrameRule> All { get; } =
    [
        new(FrameType.Hello, "HELLO", ProtocolLimits.MaxHelloLength)
        {
            MinLength = sizeof(uint), Flags = (byte)HelloFlags.All, HasArgument = true, Reply = FrameType.Welcome,
        },
        new(FrameType.Echo, "ECHO", ProtocolLimits.MaxBodyBytes) { Reply = FrameType.EchoReply },
        new(FrameType.Identity, "IDENTITY", 0) { Reply = FrameType.IdentityReply },
        new(FrameType.List, "LIST", 0) { Flags = (byte)ListFlags.Watch, Reply = FrameType.ListReply },
        new(FrameType.Relay, "RELAY", ProtocolLimits.MaxRelayLength)
        {
            Flags = (byte)RelayFlags.All, HasArgument = true, Reply = FrameType.Receipt, ReplyFlag = (byte)RelayFlags.Receipt,
        },
        new(FrameType.Ack, "ACK", sizeof(ulong)) { MinLength = sizeof(ulong) },
        new(FrameType.Heartbeat, "HEARTBEAT", 0) { Reply = FrameType.HeartbeatReply },
        new(FrameType.Goodbye, "GOODBYE", ProtocolLimits.MaxTextLength) { HasArgument = true },
        new(FrameType.Welcome, "WELCOME", 64) { Flags = (byte)(WelcomeFlags.Resumable | WelcomeFlags.Resumed), HasArgument = true },
        new(FrameType.EchoReply, "ECHO", ProtocolLimits.MaxBodyBytes),
        new(FrameType.IdentityReply, "IDENTITY", sizeof(ulong)),
        new(FrameType.ListReply, "LIST", MaxIdsLength) { Flags = (byte)ListReplyFlags.More },
        new(FrameType.Delivery, "DELIVERY", sizeof(ulong) + ProtocolLimits.MaxBodyBytes) { Flags = (byte)DeliveryFlags.Confirm },
        new(FrameType.AckReply, "ACK", sizeof(ulong)),
        new(FrameType.HeartbeatReply, "HEARTBEAT", 0),
        new(FrameType.GoodbyeReply, "GOODBYE", ProtocolLimits.MaxTextLength) { HasArgument = true },
        new(FrameType.Receipt, "RECEIPT", sizeof(ulong) + ProtocolLimits.MaxReceivers) { HasArgument = true },
        new(FrameType.Presence, "PRESENCE", MaxIdsLength) { HasArgument = true },
        new(FrameType.Error, "ERROR", ProtocolLimits.MaxTextLength) { Flags = (byte)ErrorFlags.Correlated, HasArgument = true },
    ];

    private static readonly FrameRule?[] s_byType = ByType();
    private static readonly uint[] s_maxFromClient = MaxLengths(isFromHub: false, unknown: ProtocolLimits.MaxBodyBytes);
    private static readonly uint[] s_maxFromHub = MaxLengths(isFromHub: true, unknown: MaxIdsLength);

    private FrameRule(FrameType type, string name, uint maxLength)
    {
        Type = type;
        Name = name;
        MaxLength = maxLength;
    }

    /// <summary>The frame's first byte.</summary>
    public FrameType Type { get; }

    /// <summary>Its name in the protocol.</summary>
    public string Name { get; }

    /// <summary>The most bytes that may follow its header.</summary>
    public uint MaxLength { get; }

    /// <summary>The fewest bytes that may follow its header.</summary>
    public uint MinLength { get; private init; }

    /// <summary>The flags that it defines; others must be 0.</summary>
    public byte Flags { get; private init; }

    /// <summary>Whether its argument means something; else it must be 0.</summary>
    public bool HasArgument { get; private init; }

    /// <summary>The frame that answers it while the connection goes on; null for none.</summary>
    public FrameType? Reply { get; private init; }

    /// <summary>The flag that asks for the reply; 0 if it always comes.</summary>
    public byte ReplyFlag { get; private init; }

    /// <summary>Whether hubs send it, and clients do not.</summary>
    public bool IsFromHub => IsHubs(Type);

    /// <summary>The rule of a type; null for one that this version does not know.</summary>
    public static FrameRule? Of(FrameType type) => s_byType[(byte)type];

    /// <summary>The rule of a type that clients send; null for any other.</summary>
    public static FrameRule? FromClient(FrameType type) => IsHubs(type) ? null : s_byType[(byte)type];

    /// <summary>Whether a frame that keeps to the rule is answered.</summary>
    /// <param name="flags">The frame's flags.</param>
    public bool IsAnswered(byte flags) => Reply is not null && (flags & ReplyFlag) == ReplyFlag;

    internal static uint MaxLengthFromClient(FrameType type) => s_maxFromClient[(byte)type];

    internal static uint MaxLengthFromHub(FrameType type) => s_maxFromHub[(byte)type];

    private static bool IsHubs(FrameType type) => ((byte)type & 0x80) != 0;

    private static FrameRule?[] ByType()
    {
        var rules = new FrameRule?[byte.MaxValue + 1];
        foreach (var rule in All)
        {
            rules[(byte)rule.Type] = rule;
        }

        return rules;
    }

    private static uint[] MaxLengths(bool isFromHub, uint unknown) =>
        Array.ConvertAll(s_byType, rule => rule is not null && rule.IsFromHub == isFromHub ? rule.MaxLength : unknown);
}
