using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Looks at a loop's connections again and again, some in each turn, for peers that are gone without a word. One to which nothing was sent
/// since it was last looked at costs no system call.
/// </summary>
internal sealed class VanishedPeers(ConnectionHost host) : WheelEntry
{
    private const int RoundsPerTime = 8;
    private const int MinPerTurn = 256;
    private const int MaxTurnsPerRound = 64;
    private const long MaxMillisecondsBetweenRounds = 15_000;

    private int _place;

    private long AfterMilliseconds => host.Settings.KeepAliveMilliseconds;

    /// <summary>There is a connection. The loop's thread.</summary>
    public void Begin()
    {
        if (Slot == None)
        {
            host.Loop.Deadlines.Set(this, host.Loop.Now + Math.Clamp(AfterMilliseconds / RoundsPerTime, 1, MaxMillisecondsBetweenRounds));
        }
    }

    internal override void OnDue()
    {
        if (host.Loop.Now < Due)
        {
            host.Loop.Deadlines.Set(this, Due);
            return;
        }

        for (int left = Math.Max(MinPerTurn, host.Loop.Entries.Count / MaxTurnsPerRound); left > 0; left--)
        {
            if (host.Loop.Entries.Next(ref _place) is not { } entry)
            {
                _place = 0;
                if (host.Loop.Counters.Connections > 0)
                {
                    Begin();
                }

                return;
            }

            if (entry is Connection connection)
            {
                EndIfVanished(connection);
            }
        }

        host.Loop.Deadlines.Set(this, host.Loop.Now);
    }

    private void EndIfVanished(Connection connection)
    {
        try
        {
            connection.Lifetime.EndIfVanished(AfterMilliseconds);
        }
        catch (Exception exception)
        {
            host.Loop.Fail(connection, exception);
        }
    }
}
