using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// How a connection ends for a defect in the hub, or for want of memory: whatever of closing it fails, too, the rest is still done, so
/// that neither its socket, its place nor its user is left behind.
/// </summary>
internal sealed partial class Connection
{
    private bool _isReleased;
    private bool _hasEnded;

    /// <summary>
    /// Closes for a defect in the hub. On the connection's own thread at once; a failure while another loop was sending on it is
    /// left to its own. Does not throw.
    /// </summary>
    internal void Fail()
    {
        if (!Loop.IsCurrent)
        {
            Loop.Post(this, LoopWork.Failed);
            return;
        }

        try
        {
            Abort(CloseReason.InternalError);
        }
        catch (Exception second)
        {
            Loop.NoteFailure(second);
        }

        // All of this has been done unless that has failed.
        _phase = Phase.Closed;
        Try(LetGoOfAllInput);
        Try(LetGoOfClaim);
        Try(CloseQueue);
        Try(Release);
        Try(EndIfNotEnded);
    }

    /// <summary>The same from any thread, and at the end of the turn: a defect showed in what it has queued. Does not throw.</summary>
    internal void FailSoon(Exception exception)
    {
        Loop.NoteFailure(exception);
        Loop.Post(this, LoopWork.Failed);
    }

    private void Try(Action step)
    {
        try
        {
            step();
        }
        catch (Exception second)
        {
            Loop.NoteFailure(second);
        }
    }

    private void CloseQueue()
    {
        if (!_queueIsKept)
        {
            Outbound.Close(Loop);
        }
    }

    private void Release()
    {
        if (!_isReleased)
        {
            _isReleased = true;
            Loop.Release(this);
        }
    }

    private void EndIfNotEnded()
    {
        if (!_hasEnded && HasHandler)
        {
            Ended(CloseReason.InternalError);
        }
    }
}
