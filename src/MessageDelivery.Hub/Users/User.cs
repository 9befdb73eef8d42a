using MessageDelivery.Hub.Access;

namespace MessageDelivery.Hub.Users;

/// <summary>Somebody with an id. Its receiver changes when a silent connection turns out to speak the binary protocol.</summary>
internal sealed class User
{
    private volatile IReceiver _receiver;
    private volatile Standing? _standing;

    /// <param name="identity">Who it is; null without authentication.</param>
    /// <param name="groupNumber">The number of its group while that has users; 0 without a group.</param>
    public User(ulong id, IReceiver receiver, Identity? identity = null, int groupNumber = 0)
    {
        Id = id;
        _receiver = receiver;
        _standing = identity is null ? null : new(identity, groupNumber);
    }

    public ulong Id { get; }

    public IReceiver Receiver
    {
        get => _receiver;
        set => _receiver = value;
    }

    public Identity? Identity => _standing?.Identity;

    /// <summary>What it may not do; null if it may do everything.</summary>
    public Rights? Rights => _standing?.Rights;

    /// <summary>Its group, which stays the same.</summary>
    public string? Group => _standing?.Identity.Group;

    public int GroupNumber => _standing?.GroupNumber ?? 0;

    /// <summary>When it has to go, on the clock of its loop; <see cref="long.MaxValue"/> for never. That loop's thread.</summary>
    public long EndsAt => _standing?.EndsAt ?? long.MaxValue;

    /// <summary>Whether a token of this identity may go on as this user.</summary>
    public bool Is(Identity? identity) => identity is null
        ? Identity is null
        : Identity is { } own && own.Key == identity.Key && Group == identity.Group;

    /// <summary>It has shown another token of the same identity, whose rights are its own from now on.</summary>
    public void Renew(Identity identity) => _standing = new(identity, GroupNumber);

    /// <summary>It has to go at a time on the clock of its loop, whose thread this is. Only who has shown a token.</summary>
    public void EndAt(long endsAt) => _standing!.EndsAt = endsAt;

    /// <summary>Who it is, where somebody asks, and what comes with that: nothing of it is kept for a user of whom nobody does.</summary>
    private sealed class Standing(Identity identity, int groupNumber)
    {
        public Identity Identity => identity;

        public Rights? Rights { get; } = Rights.Of(identity);

        public int GroupNumber => groupNumber;

        public long EndsAt { get; set; } = long.MaxValue;
    }
}
