using System.Globalization;

namespace MessageDelivery.Cli.Terminal;

/// <summary>Times as people write them: <c>10s</c>, <c>500ms</c>, <c>2m</c>, <c>1h</c>, <c>1d</c>, <c>1.5s</c>, and <c>0</c>.</summary>
internal static class Duration
{
    public const string Form = "a time is written like 10s, 500ms, 2m, 1h or 0";

    // "ms" before "m" and "s": the longest unit that fits is the one that is meant.
    private static readonly (string Suffix, long Ticks)[] Units =
    [
        ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond), ("m", TimeSpan.TicksPerMinute),
        ("h", TimeSpan.TicksPerHour), ("d", TimeSpan.TicksPerDay),
    ];

    /// <summary>False where it is not such a text, has no unit though it is not 0, or is too long for a <see cref="TimeSpan"/>.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        var number = text.AsSpan().Trim();
        long unit = 0;
        foreach (var (suffix, ticks) in Units)
        {
            if (number.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                number = number[..^suffix.Length].TrimEnd();
                unit = ticks;
                break;
            }
        }

        time = default;
        if (!decimal.TryParse(number, Quantity.Style, CultureInfo.InvariantCulture, out decimal value)
            || Math.Abs(value) > Quantity.Largest / Math.Max(unit, 1)
            || (unit == 0 && value != 0))
        {
            return false;
        }

        time = TimeSpan.FromTicks((long)(value * unit));
        return true;
    }

    /// <summary>The shortest exact spelling down to a millisecond.</summary>
    public static string Format(TimeSpan time)
    {
        if (time == TimeSpan.Zero)
        {
            return "0";
        }

        foreach (var (suffix, ticks) in Units.Reverse())
        {
            if (time.Ticks % ticks == 0)
            {
                return $"{time.Ticks / ticks}{suffix}";
            }
        }

        return $"{time.TotalMilliseconds:0.####}ms";
    }
}
