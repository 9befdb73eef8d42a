using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>
/// The pause that ends a body without an end mark (protocol, section 3): time in which the hub was ready to read and nothing came. A guess,
/// of which the user is told the first time.
/// </summary>
internal sealed class BodyPause(Connection connection)
{
    // A loop that comes so late was not there to read, be it that it was busy or that the machine stood still.
    private const long MaxLateMilliseconds = TextParser.PauseMilliseconds / 2;

    private long _begins;
    private bool _mustTell;
    private bool _wasTold;

    /// <summary>When it has lasted long enough, in the loop's milliseconds; never, while the hub does not read.</summary>
    public long Due => connection.IsPaused || connection.Input.IsStarved
        ? long.MaxValue
        : Math.Max(connection.Input.LastReceived, _begins) + TextParser.PauseMilliseconds;

    /// <summary>Whether it has lasted long enough. Reads once more before it says so; if not, it may have begun anew.</summary>
    public bool HasPassed()
    {
        long now = connection.Loop.Now;
        long late = now - Due;
        if (late < 0)
        {
            return false;
        }

        // Late again, with nothing in between, it has lasted long enough all the same.
        bool isLate = late > MaxLateMilliseconds && _begins <= connection.Input.LastReceived;
        if (connection.Input.ReceiveOnceMore() || isLate)
        {
            _begins = now;
            return false;
        }

        return true;
    }

    /// <summary>A body is relayed that was complete, or that a pause has ended.</summary>
    public void Relays(bool afterPause) => _mustTell = afterPause && !_wasTold;

    /// <summary>Whether the user is to be told now that a pause has ended the body.</summary>
    public bool TakeMustTell()
    {
        bool mustTell = _mustTell;
        _wasTold |= mustTell;
        _mustTell = false;
        return mustTell;
    }
}
