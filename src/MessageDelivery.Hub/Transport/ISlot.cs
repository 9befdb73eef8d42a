namespace MessageDelivery.Hub.Transport;

/// <summary>A slot of a quota, taken for as long as a conversation lasts. Any thread.</summary>
internal interface ISlot
{
    /// <summary>The conversation has ended. Called once.</summary>
    void Release();
}

/// <summary>Two slots of one conversation.</summary>
internal sealed class BothSlots(ISlot first, ISlot second) : ISlot
{
    public void Release()
    {
        first.Release();
        second.Release();
    }
}

/// <summary>
/// A connection's slot, taken for as long as it has its descriptor, which it keeps for a while after its conversation has ended. Any thread.
/// </summary>
internal interface IConnectionSlot
{
    /// <summary>
    /// The conversation has ended: from now on the connection may be asked, by <see cref="ConnectionWork.GiveWay"/>, to close at once for somebody
    /// who has just come. May be called again when more of it is sent.
    /// </summary>
    /// <param name="connection">Whose slot this is.</param>
    /// <param name="isAllSent">Whether it has nothing left to send. Those give way first.</param>
    void Yield(Connection connection, bool isAllSent);

    /// <summary>The descriptor is closed. Called once.</summary>
    void Release();
}
