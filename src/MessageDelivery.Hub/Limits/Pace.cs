namespace MessageDelivery.Hub.Limits;

/// <summary>How much a user may do in a second; 0 is as much as it can.</summary>
internal sealed record PaceRates(long Relays, long Bytes, long Lists, long Echoes)
{
    public static PaceRates Of(HubLimits limits) =>
        new(limits.RelaysPerSecond, limits.BytesPerSecond, limits.ListsPerSecond, limits.EchoesPerSecond);

    /// <summary>The same for a user with rates of its own.</summary>
    /// <param name="relays">Relays in a second, above 0; null is as told here. Less than one is one.</param>
    /// <param name="bytes">Bytes in a second, above 0; null is as told here.</param>
    public PaceRates With(double? relays, double? bytes) => this with
    {
        Relays = relays is { } ownRelays ? (long)Math.Clamp(ownRelays, 1, HubLimits.MaxRate) : Relays,
        Bytes = bytes is { } ownBytes ? (long)Math.Clamp(ownBytes, 1, HubLimits.MaxByteRate) : Bytes,
    };

    /// <summary>Whether relaying is limited at all.</summary>
    public bool LimitRelays => Relays > 0 || Bytes > 0;
}

/// <summary>
/// The token buckets of one user. A request is carried out at once if no bucket is in debt; a debt that it makes delays the next request. A
/// request that would delay the next for longer than <see cref="MaxWaitMilliseconds"/> is refused instead. Its session's thread only.
/// </summary>
/// <param name="rates">How fast it may be.</param>
/// <param name="due">When a debt from before is paid.</param>
internal sealed class Pace(PaceRates rates, long now, long due = 0)
{
    /// <summary>A client that waits for an answer should still get one before it gives up.</summary>
    public const long MaxWaitMilliseconds = 2_000;

    private TokenBucket _relays = new(rates.Relays, now);
    private TokenBucket _bytes = new(rates.Bytes, now);
    private TokenBucket _lists = new(rates.Lists, now);
    private TokenBucket _echoes = new(rates.Echoes, now);

    /// <summary>When the next request may be carried out; a time in the past without a debt.</summary>
    public long Due { get; private set; } = due;

    /// <summary>How fast the user may be.</summary>
    public PaceRates Rates => rates;

    /// <summary>The limit that was met last.</summary>
    public LimitKind Met { get; private set; }

    /// <summary>Whether so many bytes, once for each receiver, would have to be waited for too long.</summary>
    public bool IsTooMuch(long bytes, long now) =>
        // Nothing is owed when a request comes, so that less than this need not be looked at.
        bytes > MaxWaitMilliseconds / 1_000 * _bytes.Rate && _bytes.WaitFor(bytes, now) > MaxWaitMilliseconds;

    /// <summary>Counts a request and its bytes, once for each receiver. True if a bucket is in debt.</summary>
    /// <param name="rate">The limit on how many there may be.</param>
    public bool Count(LimitKind rate, long bytes, long now)
    {
        bool owes = Owe(rate, BucketOf(rate).Take(1, now), now);
        return (bytes > 0 && Owe(LimitKind.ByteRate, _bytes.Take(bytes, now), now)) || owes;
    }

    private ref TokenBucket BucketOf(LimitKind rate)
    {
        switch (rate)
        {
            case LimitKind.RelayRate:
                return ref _relays;
            case LimitKind.ListRate:
                return ref _lists;
            case LimitKind.EchoRate:
                return ref _echoes;
            default:
                throw new ArgumentOutOfRangeException(nameof(rate), rate, "Nothing is counted against this limit.");
        }
    }

    private bool Owe(LimitKind kind, long milliseconds, long now)
    {
        if (milliseconds == 0)
        {
            return false;
        }

        Met = kind;
        Due = Math.Max(Due, now + milliseconds);
        return true;
    }
}
