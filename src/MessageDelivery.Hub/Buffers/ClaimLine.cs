namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// What is set aside for claims, and the claims in line, first come, first served: a small one never passes a large one, which
/// might wait for ever otherwise. Guarded by the pool's lock but for what says otherwise.
/// </summary>
internal sealed class ClaimLine
{
    private readonly LinkedList<MemoryClaim> _line = [];
    private long _grantedBytes;
    private int _waiting;

    /// <summary>Bytes set aside in all. Read without the lock.</summary>
    public long GrantedBytes => Volatile.Read(ref _grantedBytes);

    /// <summary>Whether anybody stands in line. Read without the lock.</summary>
    public bool IsWaiting => Volatile.Read(ref _waiting) > 0;

    /// <summary>Since when the first has stood in line; <see cref="long.MaxValue"/> if nobody does.</summary>
    public long WaitsSince => _line.First?.Value.WaitsSince ?? long.MaxValue;

    /// <summary>Grants a claim, if nobody stands in line and there is that much; else it joins the line.</summary>
    public bool TryGrant(MemoryClaim claim, long bytes, long free, long now)
    {
        if (_line.Count == 0 && bytes <= free)
        {
            SetAside(claim, bytes);
            return true;
        }

        claim.WantedBytes = bytes;
        claim.WaitsSince = now;
        _line.AddLast(claim.Place);
        _waiting = _line.Count;
        return false;
    }

    /// <summary>Sets less aside, or nothing; a claim in line leaves it.</summary>
    public void Reduce(MemoryClaim claim, long bytes)
    {
        if (claim.Place.List is not null)
        {
            _line.Remove(claim.Place);
            _waiting = _line.Count;
        }
        else
        {
            SetAside(claim, Math.Min(bytes, claim.Bytes));
        }
    }

    /// <summary>Grants those in front while there is enough; returns them, linked, to be told outside the lock.</summary>
    public MemoryClaim? GrantWaiting(long free)
    {
        MemoryClaim? granted = null;
        while (_line.First?.Value is { } first && first.WantedBytes <= free)
        {
            _line.RemoveFirst();
            _waiting = _line.Count;
            SetAside(first, first.WantedBytes);
            free -= first.WantedBytes;
            first.NextGranted = granted;
            granted = first;
        }

        return granted;
    }

    /// <summary>Tells those granted. Outside the lock.</summary>
    public static void Tell(MemoryClaim? granted)
    {
        while (granted is not null)
        {
            // From the call on it is its owner's again.
            var claim = granted;
            granted = claim.NextGranted;
            claim.NextGranted = null;
            claim.Owner.ClaimGranted();
        }
    }

    private void SetAside(MemoryClaim claim, long bytes)
    {
        Volatile.Write(ref _grantedBytes, _grantedBytes + bytes - claim.Bytes);
        claim.Bytes = bytes;
    }
}
