namespace MessageDelivery.Client;

/// <summary>
/// What the hub was asked to tell about who comes and goes. Any LIST that is written while somebody watches asks for it, any other ends
/// it. Where no call writes the one that is needed, the client does, one at a time. Not thread-safe.
/// </summary>
internal sealed class PresenceSubscription(PresenceFeed feed)
{
    private bool _isSubscribed;
    private bool _isListPending;

    /// <summary>Whether the hub may send PRESENCE on this connection.</summary>
    public bool MayReceive { get; private set; }

    /// <summary>Whether a LIST must be written to begin or end it.</summary>
    public bool NeedsList => !_isListPending && feed.IsWanted != _isSubscribed;

    public ListRequest CreateList() => new(feed) { IsOfFeed = true };

    public void NoteWritten(ListRequest list)
    {
        list.Watches = _isSubscribed = feed.IsWanted;
        MayReceive |= _isSubscribed;
        _isListPending |= list.IsOfFeed;
    }

    public void NoteAnswered(ListRequest list) => _isListPending &= !list.IsOfFeed;

    /// <summary>A new connection begins without a subscription, except by the lists that are sent again.</summary>
    public void Restart(IEnumerable<ListRequest> pending)
    {
        (_isSubscribed, MayReceive) = (false, false);
        foreach (ListRequest list in pending)
        {
            _isSubscribed = list.Watches;
            MayReceive |= list.Watches;
        }
    }

    /// <summary>The pending requests have failed.</summary>
    public void NoteFailed() => _isListPending = false;
}
