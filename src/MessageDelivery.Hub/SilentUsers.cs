namespace MessageDelivery.Hub;

/// <summary>Whether connections that say nothing are users.</summary>
public enum SilentUsers
{
    /// <summary>A connection that has said nothing for a second is a text user, and listed.</summary>
    On,

    /// <summary>Nobody is listed before its first byte: browsers keep spare connections that say nothing.</summary>
    Off,
}
