using System.Diagnostics;

namespace MessageDelivery.Torture.Clients;

/// <summary>Lets so many relays a second pass; what was not used is kept for up to a second, so that a pause is made up for.</summary>
internal sealed class Pace(double rate)
{
    private long _last = Stopwatch.GetTimestamp();
    private double _due;

    public int Take(int most)
    {
        long now = Stopwatch.GetTimestamp();
        _due = Math.Min(Math.Max(rate, 1), _due + (Stopwatch.GetElapsedTime(_last, now).TotalSeconds * rate));
        _last = now;
        int taken = (int)Math.Clamp(_due, 0, most);
        _due -= taken;
        return taken;
    }
}
