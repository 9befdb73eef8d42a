using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <content>
/// What becomes of a queue in which something fails, mostly for want of memory: it is not known what of it stands in it, or was sent. Nothing
/// more of it is sent, and its connection, or its session where that has none, ends.
/// </content>
internal sealed partial class OutboundQueue
{
    private bool _isTorn;

    /// <summary>A part of something was added, and the rest could not be. Under <see cref="Gate"/>; does not throw.</summary>
    private void Tear(Exception exception)
    {
        _isTorn = true;
        if (_owner is { } owner)
        {
            owner.FailSoon(exception);
        }
        else
        {
            // Whoever comes back to it finds that it cannot be had.
            _state = State.Closed;
        }
    }

    /// <summary>A send has failed: nobody sends any more, and those in line are told.</summary>
    private void FailSend(IOutlet outlet)
    {
        lock (Gate)
        {
            _isTorn = true;
            _sendingOn = null;
        }

        Close(outlet);
    }
}
