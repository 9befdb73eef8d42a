using System.CommandLine;
using System.Globalization;

namespace MessageDelivery.Scenarios;

/// <summary>Amounts as people write and read them: <c>64KiB</c>, <c>10GB</c>, <c>10MB/s</c>; here a MB is a million bytes.</summary>
internal static class Quantity
{
    private static readonly (string Suffix, double Factor)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1),
    ];

    /// <summary>An option that reads such an amount, or a plain number.</summary>
    public static Option<long> Option(string name, string byDefault, string description) => new(name)
    {
        Description = $"{description} Default: {byDefault}.",
        DefaultValueFactory = _ => Parse(byDefault) ?? throw new ArgumentException(byDefault, nameof(byDefault)),
        CustomParser = result =>
        {
            long? value = Parse(result.Tokens[0].Value);
            if (value is null or < 1)
            {
                result.AddError($"{name}: '{result.Tokens[0].Value}' is no amount such as 64KiB, 10GB, 10MB/s or 1000.");
            }

            return value ?? 0;
        },
    };

    public static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1 << 20):0.0} MiB");

    public static string Megabytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:#,0.0} MB");

    public static string Count(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    public static string Micros(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMicroseconds:#,0} µs");

    private static long? Parse(string text)
    {
        var number = text.AsSpan().Trim();
        number = number.EndsWith("/s", StringComparison.Ordinal) ? number[..^2] : number;
        double factor = 1;
        foreach (var (suffix, size) in Units)
        {
            if (number.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                number = number[..^suffix.Length];
                factor = size;
                break;
            }
        }

        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            ? (long)(value * factor)
            : null;
    }
}
