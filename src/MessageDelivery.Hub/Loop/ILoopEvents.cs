namespace MessageDelivery.Hub.Loop;

/// <summary>What goes wrong in a loop. Called on its thread.</summary>
internal interface ILoopEvents
{
    /// <summary>A defect showed on one entry, which was closed for it.</summary>
    void ConnectionFailed(Exception exception);

    /// <summary>The loop has ended for a defect.</summary>
    void LoopFailed(Exception exception);
}

/// <summary>What a loop does about once a second, beside its own.</summary>
internal interface IHousekeeper
{
    /// <param name="shortMilliseconds">For how long memory has been short without a break; negative if it is not.</param>
    void KeepHouse(long shortMilliseconds);
}
