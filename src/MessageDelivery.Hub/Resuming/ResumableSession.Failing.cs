using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Resuming;

/// <content>A session in which something fails ends: it must not stay listed without a deadline or a connection.</content>
internal sealed partial class ResumableSession
{
    /// <summary>Ends it, and the connection it may have, whatever state a failure has left them in. Any thread; does not throw.</summary>
    public void EndAfterFailure()
    {
        if (!_home.Loop.IsCurrent)
        {
            _home.Loop.Call(EndAfterFailure);
            return;
        }

        try
        {
            _isTravelling = false;
            _connection?.Fail();
            StopWaiting();
            End(SessionEnd.Failed);
        }
        catch (Exception second)
        {
            _home.Loop.NoteFailure(second);
        }
    }

    /// <inheritdoc/>
    internal override void Failed() => EndAfterFailure();

    private void GoAway(CloseReason reason)
    {
        if (!Queue.GoAway(_table.Term.RetentionBytes, limitsLine: reason != CloseReason.TakenOver, _home.Loop))
        {
            End(SessionEnd.RetentionFull);
            return;
        }

        SettleAway();
        AwaitReturn();
        _table.Log.UserAway(User.Id, reason, _table.Term.WindowMilliseconds);
        _table.Audit.Away(User.Id, reason, _last);
    }

    /// <summary>Does something on the loop it is at home on, or was when this was asked. Any thread.</summary>
    private void CallHome(Action action)
    {
        var loop = _home.Loop;
        loop.Call(() =>
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                loop.NoteFailure(exception);
                EndAfterFailure();
            }
        });
    }
}
