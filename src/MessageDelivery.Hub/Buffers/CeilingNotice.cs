namespace MessageDelivery.Hub.Buffers;

/// <summary>
/// What is to be told of a machine that gives less memory than the hub may use: that, at most once in ten seconds, and when it gives all again.
/// Guarded by the pool's lock; a mutable struct.
/// </summary>
internal struct CeilingNotice()
{
    private const long TellMilliseconds = 10_000;

    private bool _isRefusalTold = true;
    private bool _wasTold;
    private long _tellAgainAt = long.MinValue;

    public void NoteRefusal() => _isRefusalTold = false;

    /// <summary>Whether the ceiling is to be told, now and once.</summary>
    /// <param name="isLowered">Whether the machine refuses more than that.</param>
    public bool TryTake(bool isLowered, long now)
    {
        bool tellsRefusal = isLowered && !_isRefusalTold && now >= _tellAgainAt;
        bool tellsEnd = !isLowered && _wasTold;
        if (!tellsRefusal && !tellsEnd)
        {
            return false;
        }

        _isRefusalTold = true;
        _wasTold = tellsRefusal;
        _tellAgainAt = tellsRefusal ? now + TellMilliseconds : _tellAgainAt;
        return true;
    }
}
