namespace MessageDelivery.Load;

/// <summary>
/// One window for all senders together. Whoever stands first sends one message, then the next one does, as long as there is room: the
/// first few send nearly all of them, as many at a time as have arrived since.
/// </summary>
internal sealed class SharedWindow(Sender[] senders, int window)
{
    private readonly long _maxUnderway = (long)senders.Length * window;
    private long _allowed;

    /// <summary>Has each who stands before the room's end write one message; whether anybody did.</summary>
    /// <param name="delivered">Messages that have arrived so far.</param>
    public bool Write(long delivered, Action<Sender> write)
    {
        long before = _allowed;
        for (int i = 0; i < senders.Length && _allowed - delivered < _maxUnderway; i++)
        {
            if (!senders[i].IsBlocked)
            {
                senders[i].Allow(1);
                _allowed++;
                write(senders[i]);
            }
        }

        return _allowed > before;
    }
}
