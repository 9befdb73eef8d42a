namespace MessageDelivery.Comparison.Reporting;

internal static class SvgFile
{
    /// <summary>Writes a drawing, with fonts to fall back on where the first is not installed.</summary>
    public static void Write(string path, string svg) => File.WriteAllText(
        path, svg.Replace($"font-family=\"{Palette.Font}\"", $"font-family=\"{Palette.Font}, Verdana, sans-serif\"", StringComparison.Ordinal));
}
