namespace MessageDelivery.Client;

/// <summary>A call that waits for room in the send buffer, its memory still the caller's.</summary>
internal sealed class SendWaiter : TaskCompletionSource
{
    private readonly Action<SendWaiter, CancellationToken> _cancel;

    public SendWaiter(in OutboundFrame frame, Action<SendWaiter, CancellationToken> cancel)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        _cancel = cancel;
        Frame = frame;
        Node = new(this);
    }

    public OutboundFrame Frame { get; }

    public LinkedListNode<SendWaiter> Node { get; }

    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        using var _ = cancellationToken.UnsafeRegister(
            static (waiter, token) => ((SendWaiter)waiter!)._cancel((SendWaiter)waiter!, token), this);
        await Task.ConfigureAwait(false);
    }
}
