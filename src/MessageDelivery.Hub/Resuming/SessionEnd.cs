namespace MessageDelivery.Hub.Resuming;

/// <summary>Why a session ended that had outlived its connection.</summary>
internal enum SessionEnd
{
    /// <summary>Nobody came back within the window.</summary>
    Expired,
    /// <summary>More came for it than is kept for who is away.</summary>
    RetentionFull,
    /// <summary>The client asked for frames that it had acknowledged before.</summary>
    TotalLetGo,
    /// <summary>Message memory was full, and what was kept for it was the most.</summary>
    Overloaded,
    /// <summary>The hub stopped.</summary>
    ShuttingDown,
    /// <summary>The user's token has expired.</summary>
    TokenExpired,
    /// <summary>The user's token was revoked.</summary>
    Removed,
    /// <summary>Something failed in the hub.</summary>
    Failed,
}
