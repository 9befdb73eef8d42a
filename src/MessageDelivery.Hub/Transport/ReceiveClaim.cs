using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Receiving while memory is scarce: only with memory set aside for all that the request under way may still bring, so that whoever is
/// admitted can finish. What comes whole in one read gives it back at once. The loop's thread.
/// </summary>
internal sealed class ReceiveClaim : IClaimOwner
{
    private const int ForeseenBytes = 8 << 10;

    private readonly Connection _connection;
    private readonly MemoryClaim _claim;

    public ReceiveClaim(Connection connection)
    {
        _connection = connection;
        _claim = new(this);
    }

    public long Bytes => _claim.Bytes;

    public bool IsHeld => _claim.Bytes > 0;

    /// <summary>When it was last admitted.</summary>
    public long AdmittedAt { get; private set; }

    private int MissingBytes => _connection.Handler.RequestBytes(_connection.Input.Held, isReceived: true);

    public void NoteAdmitted() => AdmittedAt = _connection.Loop.Now;

    /// <summary>How much may be received now; if nothing, the connection goes on when the claim is granted.</summary>
    /// <param name="waits">Whether it waits for that.</param>
    public int Admit(out bool waits)
    {
        waits = false;
        int wanted = Wanted();
        if (IsHeld && BytesToClaim(wanted) > Bytes)
        {
            // What it was for was dealt with without receiving it.
            Release();
        }

        if (!IsHeld)
        {
            if (!_connection.Lifetime.MayWaitForMemory())
            {
                return 0;
            }

            waits = !_connection.Loop.Pool.TryClaim(_claim, BytesToClaim(wanted), _connection.Loop.Now);
            NoteAdmitted();
        }

        // No more than what memory was set aside for: what stands behind it is another request.
        return waits ? 0 : wanted;
    }

    /// <summary>After input was consumed: nothing is kept for one that is between two requests, or waits for a receiver.</summary>
    public void Settle()
    {
        if (IsHeld)
        {
            bool isUnderWay = _connection.Input.KeptBytes > 0 && !_connection.IsPaused;
            _connection.Loop.Pool.Reduce(_claim, isUnderWay ? BytesToClaim(MissingBytes) : 0);
        }
    }

    public void Release() => _connection.Loop.Pool.Reduce(_claim, 0);

    void IClaimOwner.ClaimGranted() => _connection.Post(ConnectionWork.ClaimGranted);

    /// <summary>
    /// What the request under way may still bring. Of one that has yet to be received, as much as a look at its beginning tells, so that
    /// who sends little need not wait for as much as who sends most.
    /// </summary>
    private int Wanted()
    {
        if (_connection.Input.Held.Length > 0 || _connection.Input.UnfinishedBytes > 0)
        {
            return Math.Max(1, MissingBytes);
        }

        Span<byte> front = stackalloc byte[ForeseenBytes];
        long seen = _connection.Layer.Peek(front);
        return seen == Layers.ByteLayer.CannotPeek ? Math.Max(1, MissingBytes)
            : seen <= 0 ? 1
            : Math.Max(1, _connection.Handler.RequestBytes(front[..(int)seen], isReceived: false));
    }

    /// <summary>The blocks that what is missing is copied into.</summary>
    private static long BytesToClaim(int missing) => ((missing / BlockSizes.MediumBytes) + 1L) * BlockSizes.MediumBytes;
}
