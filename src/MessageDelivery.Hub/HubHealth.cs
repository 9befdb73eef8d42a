namespace MessageDelivery.Hub;

/// <summary>How a hub is, as of one moment: <see cref="MessageHub.Health"/>.</summary>
/// <param name="IsAccepting">It listens and lets newcomers in: it is started, not stopping, and has memory for them.</param>
/// <param name="IsDraining">It was told to stop.</param>
/// <param name="LoopsTurn">None of its threads has been at one thing for more than 5 s, and none has ended.</param>
public readonly record struct HubHealth(bool IsAccepting, bool IsDraining, bool LoopsTurn);
