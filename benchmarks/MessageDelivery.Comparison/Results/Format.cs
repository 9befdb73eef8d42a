using System.Globalization;
using MessageDelivery.Comparison.Reporting;

namespace MessageDelivery.Comparison.Results;

/// <summary>Figures as people read them: three digits that count, and a unit.</summary>
internal static class Format
{
    /// <summary>Stands where nothing was measured.</summary>
    public const string None = "–";

    public static string Number(double? value)
    {
        if (value is not { } number || !double.IsFinite(number))
        {
            return None;
        }

        int digits = number == 0 ? 0 : 2 - (int)Math.Floor(Math.Log10(Math.Abs(number)));
        return number.ToString($"#,0.{new string('0', Math.Clamp(digits, 0, 4))}", CultureInfo.InvariantCulture);
    }

    public static string Micros(double? value) => value is { } micros ? $"{Number(micros)} µs" : None;

    public static string Ratio(double? value) => value is { } ratio ? $"{Number(ratio)} ×" : None;

    /// <summary>The median, and the least and the greatest behind it.</summary>
    public static string WithSpread(Spread? ratio) =>
        ratio is { } it ? $"{Ratio(it.Median)} ({Number(it.Least)}–{Number(it.Greatest)})" : None;

    public static string PerSecond(double? value) => value switch
    {
        null => None,
        >= 1e6 => $"{Number(value / 1e6)} M/s",
        >= 1e3 => $"{Number(value / 1e3)} k/s",
        _ => $"{Number(value)} /s",
    };

    /// <summary>From megabytes: millions of bytes.</summary>
    public static string BytesPerSecond(double? megabytes) => megabytes switch
    {
        null => None,
        >= 1e3 => $"{Number(megabytes / 1e3)} GB/s",
        _ => $"{Number(megabytes)} MB/s",
    };

    public static string Mebibytes(double? bytes) => bytes is { } value ? $"{Number(value / (1 << 20))} MiB" : None;

    public static string Bytes(double? bytes) => bytes is { } value ? value.ToString("#,0", CultureInfo.InvariantCulture) : None;

    public static string Size(int bytes) => bytes switch
    {
        >= 1 << 20 => $"{bytes >> 20} MiB",
        >= 1 << 10 => $"{bytes >> 10} KiB",
        _ => $"{bytes} B",
    };

    public static string Duration(TimeSpan time) => time.TotalMinutes >= 2
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s");
}
