using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MessageDelivery.Cli.Bench;

/// <summary>
/// Sleeps for less than the millisecond that <see cref="Thread.Sleep(TimeSpan)"/> rounds to, and without keeping a processor
/// busy that the hub may need. See nanosleep(2) and PR_SET_TIMERSLACK(2const) of the Linux manual.
/// </summary>
internal static unsafe partial class PreciseSleep
{
    private const int SetTimerSlack = 29;
    private const nuint MinSlackNanoseconds = 1;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Has the kernel wake the calling thread when it asked for it, and not up to 50 µs later.</summary>
    public static void Prepare() => _ = Control(SetTimerSlack, MinSlackNanoseconds, 0, 0, 0);

    /// <summary>Sleeps until a timestamp of <see cref="Stopwatch"/>; a signal may end it early.</summary>
    public static void Until(long timestamp)
    {
        long nanoseconds = BenchClock.Nanoseconds(Stopwatch.GetTimestamp(), timestamp);
        if (nanoseconds > 0)
        {
            long* time = stackalloc long[] { nanoseconds / NanosecondsPerSecond, nanoseconds % NanosecondsPerSecond };
            _ = Sleep(time, null);
        }
    }

    [LibraryImport("libc", EntryPoint = "nanosleep")]
    private static partial int Sleep(long* time, long* remaining);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
