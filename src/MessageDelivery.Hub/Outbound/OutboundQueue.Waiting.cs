using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Outbound;

/// <content>Who waits for room: deliveries in line, and beside them the peer's own session, which has to answer it.</content>
internal sealed partial class OutboundQueue
{
    private WaitingDelivery? _answer;

    /// <summary>Whether the peer may be answered.</summary>
    public bool HasRoomToAnswer => _limit.LetsAnswer(PendingBytes, HeldBytes);

    /// <summary>
    /// Makes the peer's own session wait until there is room to answer. It does not stand in line behind deliveries: these may wait for
    /// an acknowledgement that stands behind what it is to answer. False if there is room. It waits once at a time.
    /// </summary>
    public bool TryAwaitRoomToAnswer(IDeliveryWaiter waiter)
    {
        lock (Gate)
        {
            if (_state != State.Open || HasRoomToAnswer)
            {
                return false;
            }

            _answer = waiter.Place(0);
            return true;
        }
    }

    /// <summary>Takes deliveries in line while there is room, and returns them with whoever waited to answer.</summary>
    private WaitingLine TakeAccepted(IOutlet outlet)
    {
        var accepted = HasRoomToAnswer ? TakeAnswer() : default;
        while (_line.First is { } waiting && !IsFull)
        {
            Share(waiting.Segments, waiting.Units, waiting.Acknowledgement, waiting.Index, outlet);
            _line.MoveFirst(ref accepted);
        }

        return accepted;
    }

    private WaitingLine TakeLine()
    {
        var line = TakeAnswer();
        while (_line.First is not null)
        {
            _line.MoveFirst(ref line);
        }

        return line;
    }

    private WaitingLine TakeAnswer()
    {
        var line = default(WaitingLine);
        if (_answer is not null)
        {
            line.Join(_answer);
            _answer = null;
        }

        return line;
    }
}
