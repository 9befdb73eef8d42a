namespace MessageDelivery.Cli.Settings;

/// <summary>The settings of what a hub tells its operator.</summary>
internal static class OperationSettings
{
    public static readonly IReadOnlyList<Setting> All =
    [
        new("audit-log", "FILE", "none",
            "Write who comes, is refused, goes and is removed to this file, one JSON object per line; - is standard output.",
            static (settings, values) => settings with { AuditLog = File(values[0]) }),
    ];

    private static string? File(string text) =>
        text.Contains('\0', StringComparison.Ordinal) ? throw new SettingValueException("it must be the name of a file, - or none")
        : text.Trim() is "none" ? null
        : text;
}
