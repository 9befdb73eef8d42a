using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Resuming;

/// <summary>The loop on which a session is: another one after each takeover. Any thread.</summary>
/// <param name="failed">Called when something fails that was done there.</param>
internal sealed class SessionHome(ISessionHost host, Action failed)
{
    private volatile ISessionHost _host = host;

    public ISessionHost Host => _host;

    public EventLoop Loop => _host.Loop;

    /// <summary>The session moves; its own thread.</summary>
    public void MoveTo(ISessionHost host) => _host = host;

    /// <summary>Does something on the session's loop, wherever that is by then.</summary>
    public void Call(Action action)
    {
        var loop = Loop;
        loop.Call(() =>
        {
            if (!Loop.IsCurrent)
            {
                Call(action);
                return;
            }

            try
            {
                action();
            }
            catch (Exception exception)
            {
                loop.NoteFailure(exception);
                failed();
            }
        });
    }
}
