using MessageDelivery.Protocol;

namespace MessageDelivery.Torture.Load;

/// <summary>
/// Draws one client's relays from the run's seed: mostly small ones to one receiver, some large, some to many, to nobody, to
/// oneself, to somebody twice; with and without receipts.
/// </summary>
internal sealed class RelayMix(int seed, UserDirectory directory)
{
    private readonly Random _random = new(seed);

    /// <summary>Whether the hub offers CONFIRM.</summary>
    public bool HasConfirm { get; init; }

    /// <summary>The most a body has; text users' senders keep to one line.</summary>
    public int MaxBodyBytes { get; init; } = ProtocolLimits.MaxBodyBytes;

    /// <summary>Null while there is nobody to write to.</summary>
    public RelayDraft? Next(ulong self)
    {
        var users = directory.Users;
        if (users.Length == 0)
        {
            return null;
        }

        int bytes = Math.Min(BodyBytes(), MaxBodyBytes);
        int count = ReceiverCount(bytes);
        ulong[] receivers = new ulong[count];
        bool isText = false;
        for (int i = 0; i < count; i++)
        {
            double kind = _random.NextDouble();
            if (kind < 0.01)
            {
                receivers[i] = _random.Next(4) == 0 ? 0 : (ulong)_random.NextInt64(1L << 48, 1L << 52);
            }
            else if (kind < 0.02 && directory.Gone is { Length: > 0 } gone)
            {
                receivers[i] = gone[_random.Next(gone.Length)];
            }
            else if (kind < 0.04)
            {
                receivers[i] = self;
                isText |= users.Any(user => user.Id == self && user.IsText);
            }
            else if (kind < 0.06 && i > 0)
            {
                receivers[i] = receivers[i - 1];
            }
            else
            {
                var user = users[_random.Next(users.Length)];
                receivers[i] = user.Id;
                isText |= user.IsText;
            }
        }

        // Who left a moment ago may be in "gone", and a text user: a body of text does no harm then, and its absence does none.
        return new(receivers, Flags(), isText ? Math.Max(bytes, Body.MinTextBytes) : bytes, isText);
    }

    private RelayFlags Flags()
    {
        double kind = _random.NextDouble();
        return kind < 0.45 ? RelayFlags.None
            : kind < 0.7 ? RelayFlags.Receipt
            : kind < 0.75 ? RelayFlags.BestEffort
            : kind < 0.8 ? RelayFlags.BestEffort | RelayFlags.Receipt
            : !HasConfirm ? RelayFlags.Receipt
            : kind < 0.95 ? RelayFlags.Receipt | RelayFlags.Confirm
            : RelayFlags.Receipt | RelayFlags.Confirm | RelayFlags.BestEffort;
    }

    private int BodyBytes() => _random.NextDouble() switch
    {
        < 0.08 => _random.Next(Body.StampBytes),
        < 0.70 => _random.Next(Body.StampBytes, 256),
        < 0.92 => _random.Next(256, 2_048),
        < 0.99 => _random.Next(2_048, 16_384),
        < 0.9995 => _random.Next(16_384, 65_537),
        _ => _random.Next(65_537, ProtocolLimits.MaxBodyBytes + 1),
    };

    private int ReceiverCount(int bodyBytes)
    {
        int count = _random.NextDouble() switch
        {
            < 0.75 => 1,
            < 0.95 => _random.Next(2, 5),
            _ => _random.Next(5, 21),
        };
        return bodyBytes > 16_384 ? Math.Min(count, 3) : count;
    }
}
