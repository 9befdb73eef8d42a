
namespace MessageDelivery.Cli.Terminal;

/// <summary>Whether output may carry colours: only on a terminal that can, and not where NO_COLOR is set (no-color.org).</summary>
internal static class Colors
{
    private const string Reset = "\x1b[0m";

    public static bool OnOutput { get; } = !Console.IsOutputRedirected
        && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
        && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";

    public static string Good(string text) => Paint(text, 32);

    public static string Bad(string text) => Paint(text, 31);

    public static string Quiet(string text) => Paint(text, 2);

    /// <summary>A colour for each user; red is for what went wrong.</summary>
    public static string User(ulong id, string text) => Paint(text, 32 + (int)(id % 5));

    private static string Paint(string text, int attribute) =>
        OnOutput ? $"\x1b[{attribute}m{text}{Reset}" : text;
}
