using System.Diagnostics;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>How long one message took there and its answer back, and when it was sent.</summary>
internal readonly record struct RoundTrip(long SentAt, TimeSpan Took);

/// <summary>
/// Two users who play ball, on a thread of their own: it measures the hub, and not this program's thread pool.
/// </summary>
internal sealed class Pair : IDisposable
{
    private readonly IPairEnd _here;
    private readonly IPairEnd _there;
    private readonly TimeSpan _pause;
    private readonly Thread _thread;
    private readonly List<RoundTrip> _trips = new(1 << 16);
    private volatile bool _stop;

    /// <param name="pause">Between two round trips; zero for none.</param>
    public Pair(string name, IPairEnd here, IPairEnd there, TimeSpan pause)
    {
        (Name, _here, _there, _pause) = (name, here, there, pause);
        _thread = new(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    public string Name { get; }

    /// <summary>Why it ended early; null if it did not.</summary>
    public string? Failure { get; private set; }

    /// <summary>Every round trip, in order. Valid after <see cref="Stop"/>.</summary>
    public IReadOnlyList<RoundTrip> Trips => _trips;

    /// <summary>The longest time between the ends of two round trips. Valid after <see cref="Stop"/>.</summary>
    public TimeSpan LongestGap { get; private set; }

    public void Stop()
    {
        _stop = true;
        _thread.Join();
    }

    /// <summary>Round trips that were sent within a span of time, the shortest first.</summary>
    public List<TimeSpan> Between(long from, long to)
    {
        List<TimeSpan> times = [.. _trips.Where(trip => trip.SentAt >= from && trip.SentAt < to).Select(trip => trip.Took)];
        times.Sort();
        return times;
    }

    /// <summary>The longest time without the end of a round trip within a span of time. Valid after <see cref="Stop"/>.</summary>
    public TimeSpan LongestGapBetween(long from, long to)
    {
        var longest = TimeSpan.Zero;
        long last = from;
        foreach (var trip in _trips)
        {
            long ended = trip.SentAt + (long)(trip.Took.TotalSeconds * Stopwatch.Frequency);
            if (ended > from)
            {
                var gap = Stopwatch.GetElapsedTime(last, Math.Min(ended, to));
                longest = gap > longest ? gap : longest;
                last = ended;
            }

            if (ended >= to)
            {
                return longest;
            }
        }

        var rest = Stopwatch.GetElapsedTime(last, to);
        return rest > longest ? rest : longest;
    }

    public void Dispose()
    {
        Stop();
        _here.Dispose();
        _there.Dispose();
    }

    private void Run()
    {
        long last = Stopwatch.GetTimestamp();
        try
        {
            for (long number = 0; !_stop; number++)
            {
                long begin = Stopwatch.GetTimestamp();
                _here.Send(_there.UserId, number);
                Expect(number, _there.Receive());
                _there.Send(_here.UserId, number);
                Expect(number, _here.Receive());
                _trips.Add(new(begin, Stopwatch.GetElapsedTime(begin)));
                Ended(ref last);
                if (_pause > TimeSpan.Zero)
                {
                    Thread.Sleep(_pause);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException or InvalidDataException)
        {
            Failure = $"{Name}, after {_trips.Count} round trips: {exception.Message}";
            Ended(ref last);
        }
    }

    private static void Expect(long expected, long number)
    {
        if (number != expected)
        {
            throw new InvalidDataException($"message {number} came instead of {expected}");
        }
    }

    private void Ended(ref long last)
    {
        long now = Stopwatch.GetTimestamp();
        var gap = Stopwatch.GetElapsedTime(last, now);
        LongestGap = gap > LongestGap ? gap : LongestGap;
        last = now;
    }
}
