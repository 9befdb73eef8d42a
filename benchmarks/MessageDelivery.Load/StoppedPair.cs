namespace MessageDelivery.Load;

/// <summary>
/// A sender without a window, and a receiver that never reads. When the server closes either connection the pair is cut:
/// its sender stops, since there is nobody left to send to.
/// </summary>
internal sealed class StoppedPair
{
    public bool IsCut { get; private set; }

    public required Sender Sender { get; init; }

    public void Cut()
    {
        IsCut = true;
        Sender.Stop();
    }
}
