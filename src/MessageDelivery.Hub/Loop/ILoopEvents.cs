namespace MessageDelivery.Hub.Loop;

/// <summary>What goes wrong in a loop. Called on its thread.</summary>
internal interface ILoopEvents
{
    /// <summary>A defect showed on one connection, which was closed for it.</summary>
    void ConnectionFailed(Exception exception);

    /// <summary>The loop has ended for a defect.</summary>
    void LoopFailed(Exception exception);
}
