namespace MessageDelivery.Client;

/// <summary>
/// The subscription to presence at the hub. A LIST that is written while somebody watches begins it, any other LIST ends it. If no call writes
/// the one that is needed, the client does, one at a time. Not thread-safe.
/// </summary>
internal sealed class PresenceSubscription(PresenceFeed feed)
{
    private bool _isSubscribed;
    private bool _isListPending;

    /// <summary>Whether the hub may send PRESENCE on this connection.</summary>
    public bool MayReceive { get; private set; }

    /// <summary>Whether a LIST must be written to begin or end it.</summary>
    public bool NeedsList => !_isListPending && feed.IsWanted != _isSubscribed;

    public ListRequest CreateList() => new(feed) { IsForFeed = true };

    public void NoteWritten(ListRequest list)
    {
        list.Watches = _isSubscribed = feed.IsWanted;
        MayReceive |= _isSubscribed;
        _isListPending |= list.IsForFeed;
    }

    public void NoteAnswered(ListRequest list) => _isListPending &= !list.IsForFeed;

    /// <summary>A new connection has no subscription but that of replayed lists.</summary>
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
