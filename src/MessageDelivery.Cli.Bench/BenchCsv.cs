using System.Globalization;

namespace MessageDelivery.Cli.Bench;

/// <summary>A report as comma-separated values: a line of names, and one of values. What does not apply is empty.</summary>
internal static class BenchCsv
{
    public static string Of(BenchReport report)
    {
        (string Name, object? Value)[] columns =
        [
            ("bench", report.Bench),
            ("users", report.Users),
            ("receivers", report.Receivers),
            ("size_bytes", report.SizeBytes),
            ("rate", report.Rate),
            ("window", report.Window),
            ("warm_up_seconds", report.WarmUpSeconds),
            ("seconds", report.Seconds),
            .. Columns("sent", report.Sent),
            .. Columns("delivered", report.Delivered),
            .. Columns("latency", report.LatencyMicroseconds),
            .. Columns("behind", report.BehindMicroseconds),
            ("not_sent", report.NotSent),
            ("processors_used", report.ProcessorsUsed),
            ("missing", report.Verification?.Missing),
            ("skipped", report.Verification?.Skipped),
            ("repeated", report.Verification?.Repeated),
            ("damaged", report.Verification?.Damaged),
            ("foreign", report.Verification?.Foreign),
        ];
        return $"{string.Join(',', columns.Select(column => column.Name))}\n"
            + $"{string.Join(',', columns.Select(column => Convert.ToString(column.Value, CultureInfo.InvariantCulture)))}\n";
    }

    private static (string Name, object? Value)[] Columns(string name, Throughput throughput) =>
    [
        (name, throughput.Messages),
        ($"{name}_per_second", throughput.MessagesPerSecond),
        ($"{name}_mb_per_second", throughput.MegabytesPerSecond),
    ];

    private static (string Name, object? Value)[] Columns(string name, LatencySummary? latency) =>
    [
        ($"{name}_mean_us", latency?.Mean),
        ($"{name}_p50_us", latency?.P50),
        ($"{name}_p90_us", latency?.P90),
        ($"{name}_p99_us", latency?.P99),
        ($"{name}_p999_us", latency?.P999),
        ($"{name}_max_us", latency?.Max),
    ];
}
