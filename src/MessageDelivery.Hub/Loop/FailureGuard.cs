namespace MessageDelivery.Hub.Loop;

/// <summary>Why a loop calls an entry.</summary>
internal enum Occasion
{
    Ready,
    PutOff,
    Posted,
    MemoryAvailable,
    Housekeeping,
    Flush,
}

/// <summary>
/// What becomes of failures in a loop: a defect that one peer can set off closes that peer's entry, and the loop goes on for everybody
/// else. A second failure while a first is handled is told, and no more.
/// </summary>
internal sealed class FailureGuard(EventLoop loop, ILoopEvents events)
{
    /// <summary>Lets go of what a failure has left half-made of what the loop's connections share; null for nothing.</summary>
    public Action? DropUnfinished { get; set; }

    public void Call(LoopEntry entry, Occasion occasion)
    {
        try
        {
            switch (occasion)
            {
                case Occasion.Ready:
                    entry.RunReady();
                    break;
                case Occasion.PutOff:
                    entry.OnPutOff();
                    break;
                case Occasion.Posted:
                    entry.RunPosted();
                    break;
                case Occasion.MemoryAvailable:
                    entry.OnMemoryAvailable();
                    break;
                case Occasion.Housekeeping:
                    entry.OnHousekeeping();
                    break;
                default:
                    entry.OnFlush(loop);
                    break;
            }
        }
        catch (Exception exception)
        {
            Fail(entry, exception);
        }
    }

    /// <summary>Does something for an entry, which is closed if it fails.</summary>
    public void Call(LoopEntry entry, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Fail(entry, exception);
        }
    }

    /// <summary>Does what is due. An entry that fails is closed; another must not be forgotten, since it stands in the wheel no more.</summary>
    public void CallDue(WheelEntry due)
    {
        try
        {
            due.OnDue();
        }
        catch (Exception exception) when (due is LoopEntry entry)
        {
            Fail(entry, exception);
        }
        catch (Exception exception)
        {
            Note(exception);
            Call(due.Failed);
        }
    }

    /// <summary>Does something that is nobody's in particular.</summary>
    public void Call(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Note(exception);
        }
    }

    public void Fail(LoopEntry entry, Exception exception)
    {
        Note(exception);
        entry.Fail();
        if (loop.IsCurrent && DropUnfinished is { } drop)
        {
            Call(drop);
        }
    }

    /// <summary>Tells of a defect. Any thread.</summary>
    public void Note(Exception exception) => events.ConnectionFailed(exception);
}
