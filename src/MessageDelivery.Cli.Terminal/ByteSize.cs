using System.Globalization;

namespace MessageDelivery.Cli.Terminal;

/// <summary>
/// Numbers of bytes as people write them: <c>64MiB</c>, <c>64KiB</c>, <c>1GiB</c>, <c>1.5GiB</c>, <c>1048576</c>,
/// <c>512B</c>. Units are powers of 1024 and their case does not matter; <c>MB</c>, which some read as a million, is not one.
/// </summary>
internal static class ByteSize
{
    public const string Form = "a size is written like 64MiB, 64KiB, 1GiB or 1048576";

    private static readonly (string Suffix, long Bytes)[] Units =
        [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1)];

    /// <summary>False where it is not such a text, is no whole number of bytes, or does not fit in 63 bits.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var number = text.AsSpan().Trim();
        long unit = 1;
        foreach (var (suffix, size) in Units)
        {
            if (number.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                number = number[..^suffix.Length].TrimEnd();
                unit = size;
                break;
            }
        }

        bytes = 0;
        if (!decimal.TryParse(number, Quantity.Style, CultureInfo.InvariantCulture, out decimal value)
            || value > Quantity.Largest / unit)
        {
            return false;
        }

        value *= unit;
        bytes = (long)value;
        return bytes == value;
    }

    /// <summary>Rounded down to what a person reads; a size that is a whole number of units stays as it would be written.</summary>
    public static string Rounded(long bytes)
    {
        foreach (var (suffix, size) in Units)
        {
            if (size > 1 && bytes >= 10 * size && bytes % size != 0)
            {
                return $"{bytes / size}{suffix}";
            }
        }

        return Format(bytes);
    }

    /// <summary>The shortest exact spelling.</summary>
    public static string Format(long bytes)
    {
        foreach (var (suffix, size) in Units)
        {
            if (bytes != 0 && bytes % size == 0 && size > 1)
            {
                return $"{bytes / size}{suffix}";
            }
        }

        return bytes == 1 ? "1 byte" : $"{bytes} bytes";
    }
}

/// <summary>What the numbers before a unit may look like.</summary>
internal static class Quantity
{
    /// <summary>Digits with at most one point; a sign is let through so that the setting's own limit can name it.</summary>
    public const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign;

    public const decimal Largest = long.MaxValue;
}
