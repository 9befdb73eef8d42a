namespace MessageDelivery.Hub.Transport;

/// <summary>What a connection takes up among others that are counted, and gives back when it ends. Any thread.</summary>
internal interface IPlace
{
    /// <summary>The connection has ended. Called once.</summary>
    void Leave();
}
