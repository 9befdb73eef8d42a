using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>What the binary sessions of one loop share. Only its thread uses it.</summary>
internal sealed class BinaryServices : ISessionHost
{
    public BinaryServices(LoopServices shared)
    {
        Shared = shared;
        Run = new(shared.Host, shared.Delivery, shared.Router);
        Reader = new(Run, new(this));
        Presence = new(Loop, shared.Users, new PresenceBatch(Loop.Pool));
        Loop.Failures.DropUnfinished += Run.Discard;
    }

    /// <summary>What it shares with other protocols.</summary>
    public LoopServices Shared { get; }

    /// <summary>The run of relays being gathered.</summary>
    public RelayRun Run { get; }

    /// <summary>Cuts what comes into frames, and has them carried out.</summary>
    public FrameReader Reader { get; }

    /// <summary>Who is told when somebody comes or goes.</summary>
    public PresenceFeed Presence { get; }

    public EventLoop Loop => Shared.Loop;

    public HashSet<IBacklog> Backlogs => Shared.Host.Backlogs;

    public ICountedUnits Counted => CountedFrames.Instance;

    public int GreetingBytes => BinaryReplies.WelcomeBytes;

    public int WriteGreeting(Span<byte> frame, ResumableSession session, Connection connection) =>
        BinaryReplies.WriteWelcome(frame, session.User.Id, Shared.Limits, connection, session, WelcomeFlags.Resumed);

    public UnconfirmedRelays ConfirmFor(IConfirmationOwner owner) =>
        new(Loop.Pool, Shared.Users, Shared.Sessions.Term.ConfirmMilliseconds, owner);

    public QueueResult SendReceipt(OutboundQueue queue, IOutlet outlet, ulong correlation, ReadOnlySpan<Outcome> outcomes) =>
        queue.SendReceipt(outlet, correlation, outcomes);

    public QueueResult Complete(PendingRelay relay, OutboundQueue queue)
    {
        Shared.Router.Complete(relay);
        if (relay.Unconfirmed is { } unconfirmed)
        {
            relay.Unconfirmed = null;
            unconfirmed.NoteOutcomes(relay.Receivers, relay.Outcomes, Loop);
        }
        else if (relay.ReceiptFor is { } correlation)
        {
            relay.ReceiptFor = null;
            return queue.SendReceipt(Loop, correlation, relay.Outcomes);
        }

        return QueueResult.Accepted;
    }
}
