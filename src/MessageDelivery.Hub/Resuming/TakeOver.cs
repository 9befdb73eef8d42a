using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Resuming;

/// <summary>A connection's wish to go on with a session, on its way to the loop where that is, and back.</summary>
/// <param name="Host">Of the connection's loop.</param>
/// <param name="Order">The number of the connection among all that were accepted: a session goes to the latest that asks.</param>
/// <param name="Key">The key that the client told.</param>
/// <param name="Total">Frames the client has received, as it says.</param>
/// <param name="Identity">Who the client is; null where the hub asks nobody.</param>
internal sealed record TakeOver(
    ISessionHost Host, Connection Connection, ISessionClaimant Claimant, long Order, SessionKey Key, ulong Total, Identity? Identity)
{
    /// <summary>Whether the session had a connection, which ends for this one.</summary>
    public bool Replaces { get; set; }

    /// <summary>The session cannot be had. Any thread.</summary>
    public void Refuse(ReplayStatus check) => Host.Loop.Call(Connection, () => Claimant.Refused(check, Replaces));

    /// <summary>A later connection has the session. Any thread.</summary>
    public void Outdate() => Host.Loop.Call(Connection, Claimant.Outdated);

    /// <summary>The session is on its way. Any thread.</summary>
    public void Arrive(ResumableSession session) => Host.Loop.Call(() =>
    {
        try
        {
            Claimant.Resume(session, this);
        }
        catch (Exception exception)
        {
            Host.Loop.Fail(Connection, exception);
            session.EndAfterFailure();
        }
    });
}
