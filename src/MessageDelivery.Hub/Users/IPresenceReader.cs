namespace MessageDelivery.Hub.Users;

/// <summary>Who passes on to watchers what the registry's log of comings and goings has for them.</summary>
internal interface IPresenceReader
{
    /// <summary>There is something new, and somebody watches. Any thread, outside the registry's lock; called for each event.</summary>
    void PresenceChanged();
}
