using MessageDelivery.Hub.Access;

namespace MessageDelivery.Hub.Users;

/// <summary>Somebody with an id. Its receiver changes when a silent connection turns out to speak the binary protocol.</summary>
internal sealed class User
{
    private volatile IReceiver _receiver;
    private volatile Identity? _identity;
    private volatile Rights? _rights;

    /// <param name="identity">Who it is; null without authentication.</param>
    /// <param name="groupNumber">The number of its group while that has users; 0 without a group.</param>
    public User(ulong id, IReceiver receiver, Identity? identity = null, int groupNumber = 0)
    {
        Id = id;
        _receiver = receiver;
        _identity = identity;
        _rights = Rights.Of(identity);
        Group = identity?.Group;
        GroupNumber = groupNumber;
    }

    public ulong Id { get; }

    public IReceiver Receiver
    {
        get => _receiver;
        set => _receiver = value;
    }

    public Identity? Identity => _identity;

    /// <summary>What it may not do; null if it may do everything.</summary>
    public Rights? Rights => _rights;

    /// <summary>Its group, which stays the same.</summary>
    public string? Group { get; }

    public int GroupNumber { get; }

    /// <summary>When it has to go, on the clock of its loop; <see cref="long.MaxValue"/> for never. That loop's thread.</summary>
    public long EndsAt { get; set; } = long.MaxValue;

    /// <summary>Whether a token of this identity may go on as this user.</summary>
    public bool Is(Identity? identity) => identity is null
        ? Identity is null
        : Identity is { } own && own.Key == identity.Key && Group == identity.Group;

    /// <summary>It has shown another token of the same identity, whose rights and expiry are its own from now on.</summary>
    public void Renew(Identity? identity)
    {
        _rights = Rights.Of(identity);
        _identity = identity;
    }
}
