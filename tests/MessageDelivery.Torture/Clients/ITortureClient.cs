namespace MessageDelivery.Torture.Clients;

/// <summary>A client that sends, receives, comes back after losses, and tells the history what it sees.</summary>
internal interface ITortureClient
{
    /// <summary>Runs until the client has left.</summary>
    Task RunAsync();

    /// <summary>Sends nothing new from now on, and asks for one last receipt, which tells that all before is carried out.</summary>
    void StopSending();

    /// <summary>Says goodbye.</summary>
    void Leave();

    /// <summary>Neither reads nor writes for a while.</summary>
    void Freeze(TimeSpan length);
}
