
namespace MessageDelivery.Hub.Access;

/// <summary>Who a user is, and what that one may do. Immutable.</summary>
public sealed record Identity
{
    /// <summary>The most characters of a name, a key or a group.</summary>
    public const int MaxNameLength = 256;

    /// <summary>Makes an identity that may do everything and does not expire.</summary>
    /// <param name="name">What logs call it: 1 to 256 characters, none of them a control character.</param>
    /// <exception cref="ArgumentException">The name is not like that.</exception>
    public Identity(string name)
    {
        if (!IsName(name))
        {
            throw new ArgumentException($"A name has 1 to {MaxNameLength} characters, none of them a control character.", nameof(name));
        }

        Name = Key = name;
    }

    /// <summary>What logs call it.</summary>
    public string Name { get; }

    /// <summary>
    /// What tells it from every other: sessions are resumed, and limits for each identity counted, by it. Default: the name.
    /// </summary>
    public string Key { get; init; }

    /// <summary>Whether it may relay. Default: true.</summary>
    public bool MaySend { get; init; } = true;

    /// <summary>Whether it may ask who is there. Default: true.</summary>
    public bool MayList { get; init; } = true;

    /// <summary>Whether it may watch who comes and goes; for that it has to be allowed to list, too. Default: true.</summary>
    public bool MayWatch { get; init; } = true;

    /// <summary>Whom it may send to, and whom it is shown. Default: everybody. <see cref="Access.Reach.Group"/> without a group is nobody.</summary>
    public Reach Reach { get; init; }

    /// <summary>The group it belongs to, up to 256 characters. Default: null, none.</summary>
    public string? Group { get; init; }

    /// <summary>Relays each second, above 0. Default: null, what the hub allows everybody.</summary>
    public double? RelaysPerSecond { get; init; }

    /// <summary>Bytes of relays each second, counted once for each receiver, above 0. Default: null, what the hub allows everybody.</summary>
    public double? BytesPerSecond { get; init; }

    /// <summary>What becomes of its relays for a receiver whose queue is full. Default: null, the hub's rule.</summary>
    public FullQueue? FullQueue { get; init; }

    /// <summary>Whether it administers the hub over HTTP. Default: false.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>When it ends, and its session with it. Default: null, never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>What vouches for it, so that its authenticator recognizes it later. Not a secret, and never shown.</summary>
    internal string? Credential { get; init; }

    /// <summary>Whether this may be a name, a key or a group.</summary>
    internal static bool IsName(string? text) => text is { Length: > 0 and <= MaxNameLength } && !text.Any(char.IsControl);
}
