using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Receiving while memory is scarce: only with memory set aside for all that the request under way may still bring, so that
/// whoever is admitted can finish. What comes whole in one read gives it back at once.
/// </summary>
internal sealed partial class Connection
{
    private const int ForeseenBytes = 8 << 10;

    private MemoryClaim? _claim;
    private long _admittedAt;

    /// <summary>Bytes set aside for what it has begun.</summary>
    internal long ClaimedBytes => _claim?.Bytes ?? 0;

    /// <summary>Whether it has begun something, is not kept from going on, and has sent nothing for the stall limit.</summary>
    internal bool HasLeftUnfinished => IsAtUnfinished && Loop.Now - LastReceived >= Loop.StallMilliseconds;

    /// <summary>The same, if it has been at one request for twice the stall limit, whatever it sends.</summary>
    internal bool TakesTooLong => IsAtUnfinished && Loop.Now - _admittedAt >= 2 * Loop.StallMilliseconds;

    private bool IsAtUnfinished => IsOpen && !_paused && !_starved && UnfinishedInputBytes > 0;

    private bool HasClaim => _claim is { Bytes: > 0 };

    /// <inheritdoc/>
    void IClaimOwner.ClaimGranted() => Loop.Post(this, LoopWork.Admitted);

    /// <summary>How much may be received now; if nothing, the connection goes on when its claim is granted.</summary>
    private int Admit()
    {
        if (!HasClaim && !Loop.Pool.IsScarce)
        {
            return int.MaxValue;
        }

        int wanted = Wanted();
        if (HasClaim && BytesToClaim(wanted) > ClaimedBytes)
        {
            // What its claim was for was dealt with without receiving it.
            LetGoOfClaim();
        }

        if (!HasClaim)
        {
            if (!MayBeKeptWaiting())
            {
                return 0;
            }

            _claim ??= new(this);
            _starved = !Loop.Pool.TryClaim(_claim, BytesToClaim(wanted), Loop.Now);
            _admittedAt = Loop.Now;
        }

        // No more than what memory was set aside for: what stands behind it is another request.
        return _starved ? 0 : wanted;
    }

    /// <summary>
    /// What the request under way may still bring. Of one that has yet to be received, as much as a look at its beginning tells, so that
    /// who sends little need not wait for as much as who sends most.
    /// </summary>
    private int Wanted()
    {
        if (HoldsInput || IsEncrypted || UnfinishedBytes > 0)
        {
            return Math.Max(1, MaxMissing);
        }

        Span<byte> front = stackalloc byte[ForeseenBytes];
        long seen = StreamSocket.Peek(_socket, front);
        return seen <= 0 ? 1 : Math.Max(1, Handler.RequestBytes(front[..(int)seen], isReceived: false));
    }

    /// <summary>After input was consumed: nothing is kept for one that is between two requests, or waits for a receiver.</summary>
    private void SettleClaim()
    {
        if (HasClaim)
        {
            bool isUnderWay = UnfinishedInputBytes > 0 && !_paused;
            Loop.Pool.Reduce(_claim!, isUnderWay ? BytesToClaim(MaxMissing) : 0);
        }
    }

    private int MaxMissing => Handler.RequestBytes(HoldsInput ? _held.Span : [], isReceived: true);

    /// <summary>The blocks that what is missing is copied into.</summary>
    private static long BytesToClaim(int missing) => ((missing / BlockSizes.MediumBytes) + 1L) * BlockSizes.MediumBytes;

    private bool MayBeKeptWaiting()
    {
        if (_broken)
        {
            // Nobody is there any more, and what it holds is wanted by others.
            Abort(CloseReason.Reset);
        }

        return !_broken;
    }

    private Block? TryRentToHold(BlockSize size) =>
        HasClaim ? Loop.Pool.Rent(size) : Loop.Pool.TryRentForReceiving(size);

    private void LetGoOfClaim()
    {
        if (_claim is not null)
        {
            Loop.Pool.Reduce(_claim, 0);
        }
    }
}
