namespace MessageDelivery.Hub.Limits;

/// <summary>
/// What has passed on a connection before it has said who it is: at most <see cref="Limit.EarlyBytesIn"/> in, tokens not counted, and
/// <see cref="Limit.EarlyBytesOut"/> out.
/// </summary>
internal struct EarlyBytes
{
    private int _received;
    private int _sent;

    /// <summary>Counts what has come. False if that is more than may.</summary>
    /// <param name="bytes">All of it.</param>
    /// <param name="tokenBytes">The bytes among it that are a token.</param>
    public bool TryReceive(int bytes, int tokenBytes = 0)
    {
        _received = (int)Math.Min(int.MaxValue, (long)_received + bytes - Math.Min(tokenBytes, bytes));
        return _received <= Limit.EarlyBytesIn;
    }

    /// <summary>Counts an answer before it is sent. False, and nothing is counted, if it would be more than may be sent.</summary>
    public bool TrySend(int bytes)
    {
        if (bytes > Limit.EarlyBytesOut - _sent)
        {
            return false;
        }

        _sent += bytes;
        return true;
    }
}
