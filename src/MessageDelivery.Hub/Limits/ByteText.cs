using System.Globalization;

namespace MessageDelivery.Hub.Limits;

/// <summary>A number of bytes as a person reads it: <c>64MiB</c>, <c>5.9GiB</c>. It is written out only where it is shown.</summary>
internal readonly record struct ByteText(long Bytes)
{
    private static readonly string[] Units = ["KiB", "MiB", "GiB", "TiB"];

    public override string ToString()
    {
        double value = Bytes;
        string unit = "B";
        for (int i = 0; i < Units.Length && value >= 1_024; i++)
        {
            (value, unit) = (value / 1_024, Units[i]);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#}{unit}");
    }
}
