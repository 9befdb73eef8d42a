using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Looks at a loop's connections again and again, some in each turn, for peers that are gone without a word. One to which nothing was sent
/// since it was last looked at costs no system call.
/// </summary>
/// <param name="loop">Whose connections they are.</param>
/// <param name="connections">All of them.</param>
/// <param name="afterMilliseconds">How long a peer may give no sign of life.</param>
internal sealed class VanishedPeers(EventLoop loop, ConnectionTable connections, long afterMilliseconds) : WheelEntry
{
    private const int RoundsPerTime = 8;
    private const int MinPerTurn = 256;
    private const int MaxTurnsPerRound = 64;
    private const long MaxMillisecondsBetweenRounds = 15_000;

    private int _place;

    /// <summary>There is a connection. The loop's thread.</summary>
    public void Begin()
    {
        if (Slot == None)
        {
            loop.Deadlines.Set(this, loop.Now + Math.Clamp(afterMilliseconds / RoundsPerTime, 1, MaxMillisecondsBetweenRounds));
        }
    }

    /// <inheritdoc/>
    internal override void OnDue()
    {
        if (loop.Now < Due)
        {
            loop.Deadlines.Set(this, Due);
            return;
        }

        for (int left = Math.Max(MinPerTurn, connections.Count / MaxTurnsPerRound); left > 0; left--)
        {
            if (connections.Next(ref _place) is not { } connection)
            {
                _place = 0;
                if (connections.Count > 0)
                {
                    Begin();
                }

                return;
            }

            loop.AttendSilence(connection);
        }

        loop.Deadlines.Set(this, loop.Now);
    }
}
