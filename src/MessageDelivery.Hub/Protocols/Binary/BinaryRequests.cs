using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>A request that keeps to the protocol and to the limits, and has wholly come. Borrowed.</summary>
internal readonly ref struct Request(BinarySession session, in FrameHeader header, in RelayLayout layout, ReadOnlySpan<Segment> parts)
{
    /// <summary>Whose it is.</summary>
    public BinarySession Session => session;

    public FrameHeader Header { get; } = header;

    public RelayLayout Layout { get; } = layout;

    /// <summary>The frame; its first part holds at least everything before a relay's body.</summary>
    public ReadOnlySpan<Segment> Parts { get; } = parts;

    /// <summary>The number that its payload begins with.</summary>
    public ulong Number => BinaryPrimitives.ReadUInt64LittleEndian(Parts[0].Span[ProtocolLimits.HeaderBytes..]);
}

/// <summary>What the hub does with requests of one type. What the protocol says of the type is in its <see cref="FrameRule"/>.</summary>
/// <param name="CarryOut">Carries a request out.</param>
/// <param name="Rate">The limit on how many there may be in a second; null for none.</param>
/// <param name="CountsBytes">Whether its bytes, once for each receiver, count against the limit on bytes.</param>
/// <param name="Forbidden">Why rights do not allow one with these flags; null where everybody may.</param>
internal sealed record RequestRule(
    FrameType Type, RequestRule.Method CarryOut, LimitKind? Rate = null, bool CountsBytes = false, Func<Rights, byte, string?>? Forbidden = null)
{
    /// <summary>All that a client may send after its HELLO.</summary>
    public static readonly IReadOnlyList<RequestRule> All =
    [
        new(FrameType.Echo, (_, in request) => BinaryRequests.Echo(request), LimitKind.EchoRate, CountsBytes: true),
        new(FrameType.Identity, (_, in request) => BinaryRequests.Identity(request)),
        new(FrameType.List, (requests, in request) => requests.List(request), LimitKind.ListRate, Forbidden: (rights, flags) =>
            !rights.MayList ? Rights.MayNotListText
            : !rights.MayWatch && ((ListFlags)flags).HasFlag(ListFlags.Watch) ? Rights.MayNotWatchText
            : null),
        new(FrameType.Relay, (requests, in request) => requests.Relay(request), LimitKind.RelayRate, CountsBytes: true, Forbidden: (rights, _) =>
            rights.MaySend ? null : Rights.MayNotSendText),
        new(FrameType.Ack, (_, in request) => BinaryRequests.Acknowledge(request)),
        new(FrameType.Heartbeat, (_, in request) => BinaryRequests.Heartbeat(request)),
        new(FrameType.Goodbye, (_, in request) => BinaryRequests.Goodbye(request)),
    ];

    private static readonly RequestRule?[] s_byType = ByType();

    public delegate void Method(BinaryRequests requests, in Request request);

    public static RequestRule Of(FrameType type) =>
        s_byType[(byte)type] ?? throw new InvalidOperationException($"A frame of type {type} passed the check.");

    private static RequestRule?[] ByType()
    {
        var rules = new RequestRule?[byte.MaxValue + 1];
        foreach (var rule in All)
        {
            rules[(byte)rule.Type] = rule;
        }

        return rules;
    }
}

/// <summary>Carries out the requests of all sessions of a loop. What it has to keep of one is in that session's <see cref="RequestState"/>.</summary>
internal sealed class BinaryRequests(BinaryServices services)
{
    /// <summary>Carries out a request, and counts what it takes.</summary>
    public void CarryOut(in Request request)
    {
        var rule = RequestRule.Of(request.Header.Type);
        rule.CarryOut(this, request);
        Count(request.Session, rule, request.Header, request.Layout);
    }

    /// <summary>Counts a relay that was carried out elsewhere.</summary>
    public static void CountRelay(BinarySession session, in FrameHeader header, in RelayLayout layout) =>
        Count(session, RequestRule.Of(FrameType.Relay), header, layout);

    /// <summary>A whole relay that keeps to the protocol: whether it also keeps to what this hub and the user's token allow.</summary>
    public bool IsAllowed(BinarySession session, in RelayLayout layout) =>
        session.User.Rights is not { MaySend: false }
        && layout.BodyBytes <= services.Shared.Limits.MaxBodyBytes
        && layout.ReceiverCount <= services.Shared.Limits.MaxReceivers
        && !session.Pace.IsTooMuch(layout.BodyBytes, layout.ReceiverCount);

    /// <summary><see cref="ProtocolCode.Normal"/>, or why this hub refuses a frame that keeps to the protocol.</summary>
    public ProtocolCode Refusal(BinarySession session, in FrameHeader header, in RelayLayout layout, ref string text)
    {
        var rule = RequestRule.Of(header.Type);
        if (session.User.Rights is { } rights && rule.Forbidden?.Invoke(rights, header.Flags) is { } forbidden)
        {
            text = forbidden;
            return ProtocolCode.NotAllowed;
        }

        var limits = services.Shared.Limits;
        if (layout.BodyBytes > limits.MaxBodyBytes)
        {
            text = $"a body of {layout.BodyBytes} bytes; the limit is {limits.MaxBodyBytes}";
            return ProtocolCode.FrameTooLarge;
        }

        if (layout.ReceiverCount > limits.MaxReceivers)
        {
            text = $"{layout.ReceiverCount} receivers; a relay lists 1 to {limits.MaxReceivers}";
            return ProtocolCode.InvalidReceivers;
        }

        var (bytes, receivers) = Load(rule, header, layout);
        if (bytes > 0 && session.Pace.IsTooMuch(bytes, receivers))
        {
            text = session.Pace.TooMuchText(bytes, receivers);
            return ProtocolCode.RateLimited;
        }

        return ProtocolCode.Normal;
    }

    public static void Echo(in Request request)
    {
        request.Parts[0].Span[0] = (byte)FrameType.EchoReply;
        request.Session.Connection.Send(request.Parts);
    }

    public static void Identity(in Request request) => request.Session.Connection.SendIdentity(request.Session.User.Id);

    public static void Heartbeat(in Request request) => request.Session.Connection.SendHeartbeat();

    public static void Goodbye(in Request request) => request.Session.End(Ending.Left);

    public void List(in Request request)
    {
        var session = request.Session;
        if (((ListFlags)request.Header.Flags).HasFlag(ListFlags.Watch))
        {
            services.Presence.Begin(session.Watcher);
        }
        else
        {
            session.EndWatch();
            services.Shared.Listing.SendFrames(session.Connection, session.User.Id, session.User.Rights);
        }
    }

    /// <summary>A relay with flags, or one that came in parts.</summary>
    public void Relay(in Request request)
    {
        var session = request.Session;
        var pending = session.Pending;
        var flags = (RelayFlags)request.Header.Flags;
        var layout = request.Layout;
        var first = request.Parts[0];
        var head = first.Span[..layout.BodyOffset];
        ulong correlation = request.Number;
        head.Slice(layout.ReceiversOffset, layout.ReceiverCount * sizeof(ulong))
            .CopyTo(MemoryMarshal.AsBytes(pending.Begin(layout.ReceiverCount)));

        int start = layout.BodyOffset - ProtocolLimits.DeliveryHeaderBytes;
        bool isConfirmed = flags.HasFlag(RelayFlags.Confirm);
        new DeliveryHeader(session.User.Id, layout.BodyBytes, isConfirmed ? DeliveryFlags.Confirm : DeliveryFlags.None).Write(head[start..]);
        var delivery = services.Shared.Delivery;
        var unconfirmed = isConfirmed ? session.Unconfirmed : null;
        unconfirmed?.Begin(correlation, pending.Receivers);
        delivery.Begin(session.User.Id, 1, layout.BodyBytes, unconfirmed);
        delivery.Frames.Add(first with { Offset = first.Offset + start, Length = first.Length - start });
        foreach (ref readonly var part in request.Parts[1..])
        {
            delivery.Frames.Add(part);
        }

        bool isDone = services.Shared.Router.Route(delivery, pending, mayWait: !flags.HasFlag(RelayFlags.BestEffort));
        pending.ReceiptFor = flags.HasFlag(RelayFlags.Receipt) && !isConfirmed ? correlation : null;
        pending.Unconfirmed = unconfirmed;
        session.CountProcessed(1, ProtocolLimits.HeaderBytes + (int)request.Header.Length);
        if (isDone)
        {
            services.Complete(pending, session.Connection.Outbound);
        }
        else
        {
            session.Pause();
        }
    }

    public static void Acknowledge(in Request request) => request.Session.Acknowledge(request.Number);

    /// <summary>What counts against the limit on bytes, and how many times.</summary>
    private static (long Bytes, int Receivers) Load(RequestRule rule, in FrameHeader header, in RelayLayout layout) =>
        !rule.CountsBytes ? (0, 1)
        : layout.ReceiverCount > 0 ? (layout.BodyBytes, layout.ReceiverCount)
        : (header.Length, 1);

    private static void Count(BinarySession session, RequestRule rule, in FrameHeader header, in RelayLayout layout)
    {
        if (rule.Rate is { } rate && (session.LimitsRelays || rate != LimitKind.RelayRate))
        {
            var (bytes, receivers) = Load(rule, header, layout);
            if (session.Pace.MustWaitAfter(session.User, rate, bytes * receivers))
            {
                session.Pause();
            }
        }
    }
}
