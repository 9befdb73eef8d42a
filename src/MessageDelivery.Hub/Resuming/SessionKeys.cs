namespace MessageDelivery.Hub.Resuming;

/// <summary>The keys of a session: the one that was told last, and, until a frame has come, the one before that. The thread of the session's loop.</summary>
internal sealed class SessionKeys
{
    private readonly SessionTable _table;
    private readonly ResumableSession _session;
    private (SessionKey Key, SessionKey? Before) _last;
    private SessionKey? _before;
    private bool _isRotating;

    public SessionKeys(SessionTable table, ResumableSession session)
    {
        _table = table;
        _session = session;
        Current = table.Issue(session);
    }

    /// <summary>The key to tell.</summary>
    public SessionKey Current { get; private set; }

    /// <summary>The client has the current key.</summary>
    public void Confirm()
    {
        if (_before is { } before)
        {
            _table.Revoke(before);
            _before = null;
        }
    }

    /// <summary>Makes a new key for a client that has told one, which may be all that it has: it stays good until a frame comes.</summary>
    public void Rotate(SessionKey told)
    {
        _last = (Current, _before);
        Current = _table.Issue(_session);
        _before = told;
        _isRotating = true;
    }

    /// <summary>The client does not get the new key after all.</summary>
    public void RotateBack()
    {
        _table.Revoke(Current);
        (Current, _before) = _last;
        _isRotating = false;
    }

    /// <summary>The client gets the new key: of those before, only the one that it has told stays good.</summary>
    public void RevokeOthers()
    {
        _isRotating = false;
        if (_last.Key is var key && !key.Equals(_before!.Value))
        {
            _table.Revoke(key);
        }

        if (_last.Before is { } older && !older.Equals(_before.Value))
        {
            _table.Revoke(older);
        }
    }

    /// <summary>No key is good any more, also where a failure has come between.</summary>
    public void RevokeAll()
    {
        if (_isRotating)
        {
            RevokeOthers();
        }

        Confirm();
        _table.Revoke(Current);
    }
}
