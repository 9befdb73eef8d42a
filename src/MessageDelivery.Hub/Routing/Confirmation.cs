using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Routing;

/// <summary>Whose relays are confirmed.</summary>
internal interface IConfirmationOwner
{
    /// <summary>All that will be known by then is known. Called once, on the thread of the loop it was made on.</summary>
    void Confirmed(Confirmation confirmation);
}

/// <summary>
/// A relay whose receipt waits until its receivers have acknowledged it, or a deadline. Made on the thread of a loop, in whose
/// wheel it stands; receivers tell it from any thread.
/// </summary>
internal sealed class Confirmation(IConfirmationOwner owner, EventLoop loop, ulong correlation, int receivers)
    : WheelEntry, IAcknowledgementWaiter
{
    private readonly bool[] _isDelivered = new bool[receivers];
    private readonly ulong[] _receivers = new ulong[receivers];
    private readonly Outcome[] _outcomes = new Outcome[receivers];

    // The relay itself is one until its outcomes are known.
    private int _awaited = 1;
    private bool _isOver;

    public ulong Correlation { get; } = correlation;

    public int ReceiverCount => _receivers.Length;

    /// <summary>What is known: delivered, or what became of it when it was queued.</summary>
    public ReadOnlySpan<Outcome> Outcomes
    {
        get
        {
            for (int i = 0; i < _outcomes.Length; i++)
            {
                // A receiver that is listed again has the outcome of its first place.
                int first = Array.IndexOf(_receivers, _receivers[i]);
                _outcomes[i] = Volatile.Read(ref _isDelivered[first]) ? Outcome.Delivered : _outcomes[i];
            }

            return _outcomes;
        }
    }

    /// <summary>The relay is done: what became of it for each receiver.</summary>
    public void Settle(ReadOnlySpan<ulong> receivers, ReadOnlySpan<Outcome> outcomes)
    {
        receivers.CopyTo(_receivers);
        outcomes.CopyTo(_outcomes);
        if (Interlocked.Decrement(ref _awaited) > 0)
        {
            return;
        }

        // At once where that can be: what the sender has said next may be its goodbye.
        if (loop.IsCurrent)
        {
            End();
        }
        else
        {
            loop.Call(End);
        }
    }

    /// <summary>Ends it at a time, whatever is known. The loop's thread.</summary>
    public void EndAt(long due)
    {
        Due = due;
        loop.Deadlines.Set(this, due);
    }

    /// <inheritdoc/>
    public void Awaits(int place) => Interlocked.Increment(ref _awaited);

    /// <inheritdoc/>
    public void AwaitEnded(int place, bool isAcknowledged)
    {
        if (isAcknowledged)
        {
            Volatile.Write(ref _isDelivered[place], true);
        }

        AwaitEnded();
    }

    internal override void OnDue()
    {
        if (loop.Now < Due)
        {
            loop.Deadlines.Set(this, Due);
        }
        else
        {
            End();
        }
    }

    private void AwaitEnded()
    {
        if (Interlocked.Decrement(ref _awaited) == 0)
        {
            loop.Call(End);
        }
    }

    private void End()
    {
        if (!_isOver)
        {
            _isOver = true;
            loop.Deadlines.Remove(this);
            owner.Confirmed(this);
        }
    }
}
