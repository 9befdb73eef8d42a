namespace MessageDelivery.Hub.Transport;

/// <summary>What a conversation takes up among others that are counted, and gives back when it ends. Any thread.</summary>
internal interface IPlace
{
    /// <summary>The conversation has ended. Called once.</summary>
    void Leave();
}

/// <summary>Two places of one conversation.</summary>
internal sealed class BothPlaces(IPlace first, IPlace second) : IPlace
{
    /// <inheritdoc/>
    public void Leave()
    {
        first.Leave();
        second.Leave();
    }
}

/// <summary>
/// What a connection takes up for as long as it has its descriptor, which it keeps for a while after its conversation has ended. Any thread.
/// </summary>
internal interface IDescriptorPlace
{
    /// <summary>
    /// The conversation has ended: from now on the connection may be asked, by <see cref="ConnectionWork.GiveWay"/>, to close at once for somebody
    /// who has just come. May be called again when more of it is sent.
    /// </summary>
    /// <param name="connection">Whose place this is.</param>
    /// <param name="isAllSent">Whether it has nothing left to send. Those give way first.</param>
    void Yield(Connection connection, bool isAllSent);

    /// <summary>The descriptor is closed. Called once.</summary>
    void Leave();
}
