namespace MessageDelivery.Torture.Checking;

/// <summary>What the hub did that it must not.</summary>
internal enum ViolationKind
{
    /// <summary>A message that was accepted did not arrive.</summary>
    Lost,
    /// <summary>A message arrived twice.</summary>
    Repeated,
    /// <summary>A message arrived behind a later one of its sender.</summary>
    Disordered,
    /// <summary>A message arrived at somebody who was not listed, or under another sender's id.</summary>
    Misdelivered,
    /// <summary>A message arrived changed.</summary>
    Changed,
    /// <summary>A message arrived of which the sender was told that it would not.</summary>
    DeliveredThoughRefused,
    /// <summary>A receiver who was there is said not to be, or to have ended.</summary>
    FalselyRefused,
    /// <summary>A receipt says that a message was taken for, or acknowledged by, somebody who was not there or had not.</summary>
    FalselyAccepted,
    /// <summary>A receipt did not come, came twice or out of turn, or does not fit its relay.</summary>
    WrongReceipt,
    /// <summary>A relay without fault was answered with an error.</summary>
    Rejected,
    /// <summary>A session ended although nothing had passed that may end it.</summary>
    SessionLost,
    /// <summary>Something else that never should be.</summary>
    Unexpected,
}

/// <summary>One finding, with the history that shows it.</summary>
internal sealed record Violation(ViolationKind Kind, string What, IReadOnlyList<string> History);
