using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>A request that keeps to the protocol and to the limits, and has wholly come. Borrowed.</summary>
internal readonly ref struct Request(in FrameHeader header, in RelayLayout layout, ReadOnlySpan<Segment> parts)
{
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
        new(FrameType.Echo, (requests, in request) => requests.Echo(request), LimitKind.EchoRate, CountsBytes: true),
        new(FrameType.Identity, (requests, in _) => requests.Identity()),
        new(FrameType.List, (requests, in request) => requests.List(request), LimitKind.ListRate, Forbidden: (rights, flags) =>
            !rights.MayList ? Rights.MayNotListText
            : !rights.MayWatch && ((ListFlags)flags).HasFlag(ListFlags.Watch) ? Rights.MayNotWatchText
            : null),
        new(FrameType.Relay, (requests, in request) => requests.Relay(request), LimitKind.RelayRate, CountsBytes: true, Forbidden: (rights, _) =>
            rights.MaySend ? null : Rights.MayNotSendText),
        new(FrameType.Ack, (requests, in request) => requests.Acknowledge(request.Number)),
        new(FrameType.Heartbeat, (requests, in _) => requests.Heartbeat()),
        new(FrameType.Goodbye, (requests, in _) => requests.Goodbye()),
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

/// <summary>Carries out the requests of one session. What it needs it gets from that: there is one of these for each idle connection.</summary>
internal sealed class BinaryRequests(BinarySession session) : IConfirmationOwner
{
    private PendingRelay? _relay;
    private UnconfirmedRelays? _unconfirmed;
    private BinaryWatcher? _watcher;

    /// <summary>The relay it is at.</summary>
    public PendingRelay Pending => session.Resumable?.Relay ?? (_relay ??= new(Connection));

    private BinaryServices Services => session.Services;

    private Connection Connection => session.Connection;

    private User User => session.User;

    private SessionPace Pace => session.Pace;

    private UnconfirmedRelays Unconfirmed => session.Resumable?.Unconfirmed ?? (_unconfirmed ??= Services.ConfirmFor(this));

    /// <summary>Carries out a request, and counts what it takes.</summary>
    public void CarryOut(in Request request)
    {
        var rule = RequestRule.Of(request.Header.Type);
        rule.CarryOut(this, request);
        Count(rule, request.Header, request.Layout);
    }

    /// <summary>Counts a relay that was carried out elsewhere.</summary>
    public void CountRelay(in FrameHeader header, in RelayLayout layout) => Count(RequestRule.Of(FrameType.Relay), header, layout);

    /// <summary>A whole relay that keeps to the protocol: whether it also keeps to what this hub and the user's token allow.</summary>
    public bool IsAllowed(in RelayLayout layout) =>
        User.Rights is not { MaySend: false }
        && layout.BodyBytes <= Services.Shared.Limits.MaxBodyBytes
        && layout.ReceiverCount <= Services.Shared.Limits.MaxReceivers
        && !Pace.IsTooMuch(layout.BodyBytes, layout.ReceiverCount);

    /// <summary><see cref="ProtocolCode.Normal"/>, or why this hub refuses a frame that keeps to the protocol.</summary>
    public ProtocolCode Refusal(in FrameHeader header, in RelayLayout layout, ref string text)
    {
        var rule = RequestRule.Of(header.Type);
        if (User.Rights is { } rights && rule.Forbidden?.Invoke(rights, header.Flags) is { } forbidden)
        {
            text = forbidden;
            return ProtocolCode.NotAllowed;
        }

        var limits = Services.Shared.Limits;
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
        if (Pace.IsTooMuch(bytes, receivers))
        {
            text = Pace.TooMuchText(bytes, receivers);
            return ProtocolCode.RateLimited;
        }

        return ProtocolCode.Normal;
    }

    /// <summary>Whether a request has to wait: for room in the queue for its answer, or for relays that are not confirmed.</summary>
    public bool MustWait(in FrameHeader header, ProtocolCode refusal)
    {
        bool isConfirmed = header.Type == FrameType.Relay && ((RelayFlags)header.Flags).HasFlag(RelayFlags.Confirm);
        bool isAnswered = refusal != ProtocolCode.Normal || FrameRule.Of(header.Type)!.IsAnswered(header.Flags);
        return (isConfirmed && Unconfirmed.MustWait) || (isAnswered && Pending.WaitsForRoom(Connection.Outbound));
    }

    /// <summary>The connection goes on: reports on the relay, if that is done.</summary>
    public void CompleteRelay()
    {
        if (Pending.IsDone)
        {
            Connection.Outbound.ResumeAcknowledgements();
            Services.Complete(Pending, Connection.Outbound);
        }
    }

    public void Echo(in Request request)
    {
        request.Parts[0].Span[0] = (byte)FrameType.EchoReply;
        Connection.Send(request.Parts);
    }

    public void Identity() => Connection.SendIdentity(User.Id);

    public void Heartbeat() => Connection.SendHeartbeat();

    public void Goodbye() => session.End(Ending.Left);

    public void List(in Request request)
    {
        if (((ListFlags)request.Header.Flags).HasFlag(ListFlags.Watch))
        {
            Services.Presence.Begin(_watcher ??= new(Services.Shared, Connection, User));
        }
        else
        {
            Services.Presence.End(_watcher);
            Services.Shared.Listing.SendFrames(Connection, User.Id, User.Rights);
        }
    }

    /// <summary>A relay with flags, or one that came in parts.</summary>
    public void Relay(in Request request)
    {
        var flags = (RelayFlags)request.Header.Flags;
        var layout = request.Layout;
        var first = request.Parts[0];
        var head = first.Span[..layout.BodyOffset];
        ulong correlation = request.Number;
        head.Slice(layout.ReceiversOffset, layout.ReceiverCount * sizeof(ulong))
            .CopyTo(MemoryMarshal.AsBytes(Pending.Begin(layout.ReceiverCount)));

        int start = layout.BodyOffset - ProtocolLimits.DeliveryHeaderBytes;
        bool isConfirmed = flags.HasFlag(RelayFlags.Confirm);
        new DeliveryHeader(User.Id, layout.BodyBytes, isConfirmed ? DeliveryFlags.Confirm : DeliveryFlags.None).Write(head[start..]);
        var delivery = Services.Shared.Delivery;
        var unconfirmed = isConfirmed ? Unconfirmed : null;
        unconfirmed?.Begin(correlation, Pending.Receivers);
        delivery.Begin(User.Id, 1, layout.BodyBytes, unconfirmed);
        delivery.Frames.Add(first with { Offset = first.Offset + start, Length = first.Length - start });
        foreach (ref readonly var part in request.Parts[1..])
        {
            delivery.Frames.Add(part);
        }

        bool isDone = Services.Shared.Router.Route(delivery, Pending, mayWait: !flags.HasFlag(RelayFlags.BestEffort));
        Pending.ReceiptFor = flags.HasFlag(RelayFlags.Receipt) && !isConfirmed ? correlation : null;
        Pending.Unconfirmed = unconfirmed;
        session.CountProcessed(1, ProtocolLimits.HeaderBytes + (int)request.Header.Length);
        if (isDone)
        {
            Services.Complete(Pending, Connection.Outbound);
        }
        else
        {
            session.Pause();
        }
    }

    public void Acknowledge(ulong total)
    {
        if (Connection.Outbound.Acknowledge(total, Connection.Loop) == ReplayStatus.NeverSent)
        {
            Connection.CloseWithGoodbye(Ending.ProtocolError($"an ACK of {total} frames; fewer were sent"));
        }
    }

    /// <summary>The connection has ended, and with it the watch.</summary>
    public void EndWatch() => Services.Presence.End(_watcher);

    /// <summary>The session has ended.</summary>
    public void Close() => _unconfirmed?.Close(Connection.Loop);

    void IConfirmationOwner.Confirmed(ulong correlation, ReadOnlySpan<Outcome> outcomes, IOutlet outlet) =>
        Connection.Outbound.SendReceipt(outlet, correlation, outcomes);

    void IConfirmationOwner.GoOn() => Connection.Resume();

    void IConfirmationOwner.Failed(Exception exception) => Services.Loop.Call(() => Services.Loop.Fail(Connection, exception));

    /// <summary>What counts against the limit on bytes, and how many times.</summary>
    private static (long Bytes, int Receivers) Load(RequestRule rule, in FrameHeader header, in RelayLayout layout) =>
        !rule.CountsBytes ? (0, 1)
        : layout.ReceiverCount > 0 ? (layout.BodyBytes, layout.ReceiverCount)
        : (header.Length, 1);

    private void Count(RequestRule rule, in FrameHeader header, in RelayLayout layout)
    {
        if (rule.Rate is { } rate && (Pace.LimitsRelays || rate != LimitKind.RelayRate))
        {
            var (bytes, receivers) = Load(rule, header, layout);
            if (Pace.MustWaitAfter(User, rate, bytes * receivers))
            {
                session.Pause();
            }
        }
    }
}
