using System.Diagnostics.Metrics;

namespace MessageDelivery.Web.Metrics;

/// <summary>Names by Prometheus's rules: base units and <c>_total</c> at the end, letters, digits and underscores.</summary>
internal static class MetricName
{
    /// <summary>Units as instruments name them (UCUM), and as Prometheus does. One in braces, such as <c>{user}</c>, only says what is counted.</summary>
    private static readonly Dictionary<string, string> Units = new(StringComparer.Ordinal) { ["By"] = "bytes", ["s"] = "seconds" };

    public static string Of(Instrument instrument)
    {
        string name = OfLabel(instrument.Name);
        if (instrument.Unit is { } unit && Units.TryGetValue(unit, out string? suffix) && !name.EndsWith($"_{suffix}", StringComparison.Ordinal))
        {
            name = $"{name}_{suffix}";
        }

        return IsCounter(instrument) ? $"{name}_total" : name;
    }

    public static string OfLabel(string name) => string.Create(name.Length, name, static (characters, name) =>
    {
        for (int i = 0; i < characters.Length; i++)
        {
            characters[i] = char.IsAsciiLetterOrDigit(name[i]) ? name[i] : '_';
        }
    });

    /// <summary>Whether it only ever grows.</summary>
    public static bool IsCounter(Instrument instrument) => instrument is ObservableCounter<long> or ObservableCounter<double>;
}
