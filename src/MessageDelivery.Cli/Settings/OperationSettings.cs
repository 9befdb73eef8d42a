namespace MessageDelivery.Cli.Settings;

/// <summary>The settings of what a hub tells its operator.</summary>
internal static class OperationSettings
{
    public static readonly IReadOnlyList<Setting> All =
    [
        new("audit-log", "FILE", "none",
            "Write who comes, is refused, goes and is removed to this file, one JSON object per line; - is standard output.",
            static (settings, values) => settings with { AuditLog = File(values[0]) })
        { File = FileUse.Written },
    ];

    /// <summary>Whether a value says that there is to be no file.</summary>
    public static bool IsNoFile(string text) => text.Trim() is "-" or "none";

    private static string? File(string text) =>
        text.Trim() is "none" ? null : text;
}
