using System.Diagnostics;

namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// What is set aside for claims, and the claims in line. The larger a claim, the more memory has to be left for smaller ones beside it,
/// so that as memory runs out the largest are the first to wait. Each size has a line of its own, first come, first served, and small ones
/// pass large ones; but nobody passes one that has waited for as long as its patience, which then gets whatever is there. Guarded by the
/// pool's lock but for what says otherwise.
/// </summary>
/// <param name="patience">How long a claim is passed by smaller ones at most, in the callers' milliseconds.</param>
internal sealed class ClaimLine(long patience)
{
    // The most bytes of a small and of a middling claim, and which part of what is spared for others a middling one leaves.
    private const long MaxSmallBytes = 2 * BlockSizes.MediumBytes;
    private const long MaxMiddlingBytes = BlockSizes.LargeBytes;
    private const int MiddlingPart = 4;

    private readonly LinkedList<MemoryClaim>[] _lines = [[], [], []];
    private long _grantedBytes;
    private int _waiting;
    private long _now = long.MinValue;

    /// <summary>Bytes that the largest claims leave for smaller ones.</summary>
    public long SparedBytes { get; set; }

    /// <summary>Bytes set aside in all. Read without the lock.</summary>
    public long GrantedBytes => Volatile.Read(ref _grantedBytes);

    /// <summary>Whether anybody stands in line. Read without the lock.</summary>
    public bool IsWaiting => Volatile.Read(ref _waiting) > 0;

    /// <summary>Since when the first of all has stood in line; <see cref="long.MaxValue"/> if nobody does.</summary>
    public long WaitsSince => LongestWaiting?.WaitsSince ?? long.MaxValue;

    private MemoryClaim? LongestWaiting
    {
        get
        {
            MemoryClaim? longest = null;
            foreach (var line in _lines)
            {
                if (line.First?.Value is { } first && (longest is null || first.WaitsSince < longest.WaitsSince))
                {
                    longest = first;
                }
            }

            return longest;
        }
    }

    /// <summary>Notes the time. Times that come later from other threads may be a little earlier.</summary>
    public void NoteTime(long now) => _now = Math.Max(_now, now);

    /// <summary>Grants a claim, if nobody of its size stands in line and there is that much; else it joins the line.</summary>
    public bool TryGrant(MemoryClaim claim, long bytes, long free, long now)
    {
        Debug.Assert(claim.Place.List is null && claim.Bytes == 0, "a claim holds something, or waits, already");
        NoteTime(now);
        claim.WantedBytes = bytes;
        if (_lines[SizeOf(bytes)].Count == 0 && !IsOutOfPatience(LongestWaiting) && Fits(claim, free))
        {
            SetAside(claim, bytes);
            return true;
        }

        claim.WaitsSince = now;
        _lines[SizeOf(bytes)].AddLast(claim.Place);
        _waiting++;
        return false;
    }

    /// <summary>Sets less aside, or nothing; a claim in line leaves it.</summary>
    public void Reduce(MemoryClaim claim, long bytes)
    {
        if (claim.Place.List is not null)
        {
            Leave(claim);
        }
        else
        {
            SetAside(claim, Math.Min(bytes, claim.Bytes));
        }
    }

    /// <summary>Grants those in front while there is enough; returns them, linked, to be told outside the lock.</summary>
    public MemoryClaim? GrantWaiting(long free)
    {
        MemoryClaim? first = null;
        MemoryClaim? last = null;
        while (_waiting > 0 && Next(free) is { } next)
        {
            Leave(next);
            SetAside(next, next.WantedBytes);
            free -= next.WantedBytes;
            first ??= next;
            if (last is not null)
            {
                last.NextGranted = next;
            }

            last = next;
        }

        return first;
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

    private static int SizeOf(long bytes) => bytes <= MaxSmallBytes ? 0 : bytes <= MaxMiddlingBytes ? 1 : 2;

    private MemoryClaim? Next(long free)
    {
        var longest = LongestWaiting;
        if (IsOutOfPatience(longest))
        {
            return longest!.WantedBytes <= free ? longest : null;
        }

        foreach (var line in _lines)
        {
            if (line.First?.Value is { } first && Fits(first, free))
            {
                return first;
            }
        }

        return null;
    }

    private bool IsOutOfPatience(MemoryClaim? claim) => claim is not null && _now - claim.WaitsSince >= patience;

    private bool Fits(MemoryClaim claim, long free) => claim.WantedBytes <= free - SparedBeside(claim.WantedBytes);

    /// <summary>What a claim of that many bytes leaves for smaller ones.</summary>
    private long SparedBeside(long bytes) => SizeOf(bytes) switch
    {
        0 => 0,
        1 => SparedBytes / MiddlingPart,
        _ => SparedBytes,
    };

    private void Leave(MemoryClaim claim)
    {
        claim.Place.List!.Remove(claim.Place);
        _waiting--;
        Debug.Assert(_waiting == _lines.Sum(line => line.Count), "who waits is not whom the lines hold");
    }

    private void SetAside(MemoryClaim claim, long bytes)
    {
        Volatile.Write(ref _grantedBytes, _grantedBytes + bytes - claim.Bytes);
        claim.Bytes = bytes;
        Debug.Assert(bytes >= 0 && _grantedBytes >= 0, "more was given back than was set aside");
    }
}
