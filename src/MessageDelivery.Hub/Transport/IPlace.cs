namespace MessageDelivery.Hub.Transport;

/// <summary>What a connection takes up among others that are counted, and gives back when it ends. Any thread.</summary>
internal interface IPlace
{
    /// <summary>The connection has ended. Called once.</summary>
    void Leave();
}

/// <summary>Two places of one connection.</summary>
internal sealed class BothPlaces(IPlace first, IPlace second) : IPlace
{
    /// <inheritdoc/>
    public void Leave()
    {
        first.Leave();
        second.Leave();
    }
}
