
namespace MessageDelivery.Hub.Access;

/// <summary>What a user may not do, for all protocols. Users who may do everything have none.</summary>
internal sealed class Rights
{
    public const string MayNotSendText = "this token may not send";
    public const string MayNotListText = "this token may not list who is there";
    public const string MayNotWatchText = "this token may not watch who comes and goes";

    private readonly Reach _reach;

    private Rights(Identity identity)
    {
        MaySend = identity.MaySend;
        MayList = identity.MayList;
        MayWatch = identity.MayList && identity.MayWatch;
        Group = identity.Group;
        _reach = identity is { Reach: Reach.Group, Group: null } ? Reach.None : identity.Reach;
    }

    public bool MaySend { get; }

    public bool MayList { get; }

    public bool MayWatch { get; }

    public string? Group { get; }

    /// <summary>Whether it sees only some of the users.</summary>
    public bool IsNarrow => _reach != Reach.All;

    /// <summary>Whether it sees no user at all.</summary>
    public bool SeesNobody => _reach == Reach.None;

    /// <summary>Null for who may do everything.</summary>
    public static Rights? Of(Identity? identity) =>
        identity is null or { MaySend: true, MayList: true, MayWatch: true, Reach: Reach.All } ? null : new(identity);

    /// <summary>Whether it may send to somebody of this group.</summary>
    public bool Reaches(string? group) =>
        _reach == Reach.All || (_reach == Reach.Group && string.Equals(group, Group, StringComparison.Ordinal));
}
