using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Loop;

/// <content>What a loop does for one connection, and what becomes of that connection if it fails.</content>
internal sealed partial class EventLoop
{
    private enum Occasion
    {
        Ready,
        Posted,
        MemoryAvailable,
        Deadline,
        Silence,
        Tidying,
        Flush,
    }

    /// <summary>A defect that one peer can set off must not take everybody's hub down.</summary>
    private void Attend(Connection connection, Occasion occasion, uint events = 0)
    {
        try
        {
            switch (occasion)
            {
                case Occasion.Ready:
                    connection.OnReady(events);
                    break;
                case Occasion.Posted:
                    connection.OnPosted();
                    break;
                case Occasion.MemoryAvailable:
                    connection.OnMemoryAvailable();
                    break;
                case Occasion.Deadline:
                    connection.OnDeadline();
                    break;
                case Occasion.Silence:
                    connection.EndIfVanished(Settings.KeepAliveMilliseconds);
                    break;
                case Occasion.Tidying:
                    connection.Tidy();
                    break;
                default:
                    connection.Flush(this, scheduled: true);
                    break;
            }
        }
        catch (Exception exception)
        {
            Fail(connection, exception);
        }
    }

    /// <summary>A defect showed on a connection: it is closed, and the loop goes on.</summary>
    internal void Fail(Connection connection, Exception exception)
    {
        NoteFailure(exception);
        connection.Fail();
        if (!IsCurrent)
        {
            return;
        }

        try
        {
            DropUnfinished?.Invoke();
        }
        catch (Exception second)
        {
            NoteFailure(second);
        }
    }

    /// <summary>Tells of a defect. Any thread.</summary>
    internal void NoteFailure(Exception exception) => _events.ConnectionFailed(exception);

    /// <summary>Does something for a connection, which is closed if it fails.</summary>
    internal void Attend(Connection connection, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Fail(connection, exception);
        }
    }

    internal void AttendDeadline(Connection connection) => Attend(connection, Occasion.Deadline);

    internal void AttendSilence(Connection connection) => Attend(connection, Occasion.Silence);
}
