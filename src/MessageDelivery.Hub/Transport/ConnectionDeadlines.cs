namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Sees that the loop looks at a connection in time, and whether its peer takes what it is sent. The kernel holds megabytes for a slow
/// peer and asks for more only when a good part of them is gone: that the peer has taken some shows in what is unacknowledged long before
/// it shows in what can be sent. A mutable struct, so that a connection is one object.
/// </summary>
internal struct ConnectionDeadlines
{
    private const int ProgressChecksPerStall = 8;

    private int _unacknowledged;
    private bool _isWatched;

    /// <summary>From now on the peer has to take something; what it took before does not count.</summary>
    public void BeginWatch(Connection connection)
    {
        _isWatched = true;
        _unacknowledged = connection.Layer.UnacknowledgedBytes;
        connection.Outbound.NoteProgress(connection.Loop.Now);
    }

    /// <summary>Has the loop look again when something may be due.</summary>
    public void Reschedule(Connection connection)
    {
        ref readonly var lifetime = ref connection.Lifetime;
        long stall = connection.Host.Settings.StallMilliseconds;
        long nextCheck = connection.Loop.Now + Math.Max(1, stall / ProgressChecksPerStall);
        long due;
        switch (lifetime.Phase)
        {
            case ConnectionPhase.Closed:
                return;
            case ConnectionPhase.Open when connection.Outbound.StallDeadline(stall) != long.MaxValue:
                if (!_isWatched)
                {
                    BeginWatch(connection);
                }

                due = Math.Min(connection.Handler.Deadline, Math.Min(connection.Outbound.StallDeadline(stall), nextCheck));
                break;
            case ConnectionPhase.Open:
                due = connection.Handler.Deadline;
                break;
            case ConnectionPhase.Draining:
                due = Math.Min(lifetime.Closing!.Deadline, nextCheck);
                break;
            default:
                due = lifetime.Closing!.Deadline;
                break;
        }

        // A deadline that only moved away is found out when the old one comes.
        if (due != long.MaxValue && (connection.Slot == Loop.WheelEntry.None || due < connection.Due))
        {
            connection.Loop.Deadlines.Set(connection, due);
        }
    }

    /// <summary>Does what is due.</summary>
    public void OnDue(Connection connection)
    {
        long now = connection.Loop.Now;
        if (connection.Lifetime.Closing is { } closing)
        {
            if (connection.Lifetime.Phase == ConnectionPhase.Draining && !connection.Host.IsShuttingDown)
            {
                LookForProgress(connection);
                closing.NoteProgress(connection.Outbound.LastProgress);
            }

            if (now >= closing.Deadline)
            {
                connection.Abort(connection.Reason);
                return;
            }
        }

        if (connection.IsOpen && HasStalled(connection))
        {
            connection.Handler.End(CloseReason.SlowConsumer);
        }

        if (connection.IsOpen && now >= connection.Handler.Deadline)
        {
            connection.Handler.OnDeadline();
        }

        Reschedule(connection);
    }

    private bool HasStalled(Connection connection)
    {
        long stall = connection.Host.Settings.StallMilliseconds;
        if (connection.Outbound.StallDeadline(stall) == long.MaxValue)
        {
            _isWatched = false;
            return false;
        }

        LookForProgress(connection);
        return connection.Loop.Now >= connection.Outbound.StallDeadline(stall);
    }

    private void LookForProgress(Connection connection)
    {
        int unacknowledged = connection.Layer.UnacknowledgedBytes;
        if (unacknowledged < _unacknowledged)
        {
            connection.Outbound.NoteProgress(connection.Loop.Now);
        }

        _unacknowledged = unacknowledged;
    }
}
