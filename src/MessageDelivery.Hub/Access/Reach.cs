
namespace MessageDelivery.Hub.Access;

/// <summary>Whom a user may send to, and whom it is shown. Users out of reach are <c>unknown</c>, as if they were not there.</summary>
public enum Reach
{
    /// <summary>Everybody.</summary>
    All,

    /// <summary>Those whose group is the same, itself among them.</summary>
    Group,

    /// <summary>Nobody, not even itself.</summary>
    None,
}
