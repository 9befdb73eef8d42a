using System.Text;

namespace MessageDelivery.Cli.Usage;

/// <summary>Texts that are stored as files: their lines end in the same way everywhere.</summary>
internal static class GeneratedText
{
    /// <summary>Appends a line.</summary>
    public static void Line(this StringBuilder text, string line) => text.Append(line).Append('\n');
}
