namespace MessageDelivery.Load.Protocols;

/// <summary>What a connection of WebSocket asks for.</summary>
internal sealed record Upgrade(string Path, string? Subprotocol = null);

/// <summary>
/// How one server is spoken to: log-in, one publish, and what a delivery looks like. All bodies of a run have one size, so
/// that a publish is a head, the body and a tail that are known beforehand, and every delivery has the same length.
/// </summary>
internal abstract class WireProtocol(int bodyBytes)
{
    public const string Mds = "mds";
    public const string MdsResumable = "mds-resumable";
    public const string Nats = "nats";
    public const string Redis = "redis";
    public const string Mqtt = "mqtt";
    public const string Relay = "relay";
    public const string SocketIo = "socket.io";

    public static string[] Names { get; } = [Mds, MdsResumable, Nats, Redis, Mqtt, Relay, SocketIo];

    public int BodyBytes { get; } = bodyBytes;

    /// <summary>Whether each publish lists its receivers; else it goes to a channel, and to all who subscribe to that.</summary>
    public virtual bool ListsReceivers => false;

    /// <summary>Whether the server says a line before TLS begins, if there is TLS.</summary>
    public virtual bool GreetsInTheClear => false;

    /// <summary>How a connection becomes one of WebSocket; null if the server offers none.</summary>
    public virtual Upgrade? Upgrade => null;

    /// <summary>Whether there is nothing but WebSocket.</summary>
    public virtual bool NeedsWebSocket => false;

    /// <summary>Whether bodies must be text.</summary>
    public virtual bool IsText => false;

    /// <summary>Whether a message of WebSocket is one publish, and not a part of a stream in which they follow each other.</summary>
    public virtual bool FramesEachPublish => false;

    /// <summary>Whether a connection that receives may publish, too.</summary>
    public virtual bool PublishesWhereItReceives => true;

    /// <summary>Bytes of a delivery before its body.</summary>
    public abstract int DeliveryHeadBytes { get; }

    /// <summary>Bytes of a whole delivery on the wire.</summary>
    public int DeliveryBytes => DeliveryHeadBytes + BodyBytes + Tail.Length;

    /// <summary>What every delivery begins with.</summary>
    public abstract byte DeliveryFirstByte { get; }

    /// <summary>What follows the body, in a publish and in a delivery.</summary>
    public virtual ReadOnlySpan<byte> Tail => [];

    public static WireProtocol Create(string name, int bodyBytes) => name switch
    {
        Mds => new MdsProtocol(bodyBytes),
        MdsResumable => new ResumableMdsProtocol(bodyBytes),
        Nats => new NatsProtocol(bodyBytes),
        Redis => new RedisProtocol(bodyBytes),
        Mqtt => new MqttProtocol(bodyBytes),
        Relay => new RelayProtocol(bodyBytes),
        SocketIo => new SocketIoProtocol(bodyBytes),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such protocol"),
    };

    /// <summary>Logs in on a new connection, and subscribes to a channel unless it is null.</summary>
    /// <returns>What a publish that is to reach this connection is addressed to: its user id, or the channel.</returns>
    /// <exception cref="LoadException">The server refused.</exception>
    public abstract ulong LogIn(Connection connection, int? channel);

    /// <summary>The bytes of a publish before its body. Protocols with channels take exactly one address.</summary>
    public abstract byte[] Head(ReadOnlySpan<ulong> addresses);

    /// <summary>
    /// Bytes of something else that may stand where a delivery was expected, and is to be passed over; 0 if nothing may.
    /// </summary>
    public virtual int BytesToPassOver(byte first) => 0;

    /// <summary>Deliveries after which a receiver has to acknowledge; 0 if it never has to.</summary>
    public virtual int MaxUnacknowledged => 0;

    /// <summary>Bytes of an acknowledgement.</summary>
    public virtual int AcknowledgementBytes => 0;

    /// <summary>Writes that so many deliveries have come in all.</summary>
    public virtual void WriteAcknowledgement(Span<byte> destination, long total) => throw new NotSupportedException();

    /// <summary>What is wrong with bytes that came to a connection which only publishes; null if nothing is.</summary>
    public virtual string? FaultIn(ReadOnlySpan<byte> received) => Describe(received);

    /// <summary>
    /// The name of a channel: eight characters, its number and this run's, since a server may still hold messages of the run
    /// before, whose size was another.
    /// </summary>
    protected static string ChannelName(ulong channel) => $"{(((ulong)Environment.ProcessId & 0xFFF) << 20) | channel:X8}";

    /// <summary>Names bytes that were not expected, for an error.</summary>
    public virtual string Describe(ReadOnlySpan<byte> bytes)
    {
        Span<char> text = stackalloc char[Math.Min(bytes.Length, 120)];
        for (int i = 0; i < text.Length; i++)
        {
            text[i] = bytes[i] is >= 0x20 and < 0x7F ? (char)bytes[i] : ' ';
        }

        return $"the server sent '{text.Trim()}'";
    }
}
