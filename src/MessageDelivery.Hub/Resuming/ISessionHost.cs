using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Resuming;

/// <summary>What the protocol of one loop does for the sessions that are there. The loop's thread, unless it says otherwise.</summary>
internal interface ISessionHost
{
    EventLoop Loop { get; }

    /// <summary>What is kept for nobody's connection; the largest gives way when memory is short.</summary>
    HashSet<IBacklog> Backlogs { get; }

    /// <summary>What clients count and acknowledge.</summary>
    ICountedUnits Counted { get; }

    /// <summary>The most bytes of a greeting.</summary>
    int GreetingBytes { get; }

    /// <summary>Writes what a connection that goes on with a session is sent first; returns how long it is.</summary>
    int WriteGreeting(Span<byte> destination, ResumableSession session, Connection connection);

    /// <summary>Keeps the relays of a session that are to be confirmed.</summary>
    UnconfirmedRelays ConfirmFor(IConfirmationOwner owner);

    /// <summary>A relay is done: sends its receipt, if one is due, or leaves that to those who acknowledge.</summary>
    QueueResult Complete(PendingRelay relay, OutboundQueue queue);

    /// <summary>Sends a receipt. Any thread.</summary>
    QueueResult SendReceipt(OutboundQueue queue, IOutlet outlet, ulong correlation, ReadOnlySpan<Outcome> outcomes);
}

/// <summary>The protocol of a connection that has a session.</summary>
internal interface ISessionProtocol
{
    /// <summary>Another connection goes on with the session: this one ends.</summary>
    void TakenOver();

    /// <summary>The user's token was revoked: the connection and the session end.</summary>
    void RemoveNow();
}

/// <summary>A new connection that wants to go on with a session.</summary>
internal interface ISessionClaimant
{
    /// <summary>The session is on this loop now.</summary>
    void Resume(ResumableSession session, TakeOver takeOver);

    /// <summary>The session cannot be had.</summary>
    /// <param name="replaces">Whether it had a connection, which has ended for this one.</param>
    void Refused(ReplayStatus check, bool replaces);

    /// <summary>A connection that was accepted later has the session.</summary>
    void Outdated();
}
