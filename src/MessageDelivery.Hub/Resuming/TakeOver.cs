using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Resuming;

/// <summary>A connection's wish to go on with a session, on its way to the loop where that is, and back.</summary>
/// <param name="Services">Of the connection's loop.</param>
/// <param name="Order">The place of the connection among all that were accepted: a later one is not outdone by one before it.</param>
/// <param name="Key">The key that the client told.</param>
/// <param name="Total">Frames the client has received, as it says.</param>
/// <param name="Admitted">Who the client is; null where the hub asks nobody.</param>
internal sealed record TakeOver(LoopServices Services, Connection Connection, OpeningSession Opening, long Order, SessionKey Key, ulong Total, Admitted? Admitted)
{
    /// <summary>Whether the session had a connection, which ends for this one.</summary>
    public bool Replaces { get; set; }

    /// <summary>The session cannot be had. Any thread.</summary>
    public void Answer(TotalCheck check) => Services.Loop.Call(Connection, () => Opening.Refused(check, Replaces));

    /// <summary>A later connection has the session. Any thread.</summary>
    public void Outdate() => Services.Loop.Call(Connection, Opening.Outdated);

    /// <summary>The session is on its way. Any thread.</summary>
    public void Arrive(ResumableSession session) => Services.Loop.Call(() =>
    {
        try
        {
            Opening.Resume(session, this);
        }
        catch (Exception exception)
        {
            Services.Loop.Fail(Connection, exception);
            session.EndAfterFailure();
        }
    });
}
