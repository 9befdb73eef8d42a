using System.Text;
using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Cli.Bench;

/// <summary>A report for a person.</summary>
internal static class BenchText
{
    private const int LabelWidth = 11;
    private const int ColumnWidth = 14;
    private const double MicrosecondsPerMillisecond = 1e3;
    private const double MicrosecondsPerSecond = 1e6;

    public static string Of(BenchReport report)
    {
        var text = new StringBuilder();
        text.Append(Title(report)).Append("\n\n");
        Row(text, "", ["messages", "messages/s", "MB/s"], Colors.Quiet);
        Row(text, "sent", Cells(report.Sent), Plain);
        Row(text, "delivered", Cells(report.Delivered), Plain);
        if (report.LatencyMicroseconds is { } latency)
        {
            text.Append('\n');
            Row(text, "", ["p50", "p90", "p99", "p99.9", "max"], Colors.Quiet);
            Row(text, "latency", [.. Percentiles(latency).Select(Time)], Plain);
        }

        if (report.BehindMicroseconds is { } behind)
        {
            Row(text, "behind", [.. Percentiles(behind).Select(Time)], Plain);
        }

        text.Append('\n');
        foreach (var (label, line) in Remarks(report))
        {
            text.Append($"{label,-LabelWidth}{line}\n");
        }

        return text.ToString();
    }

    private static string Title(BenchReport report)
    {
        string loop = report.Rate is { } rate
            ? $"{rate:N0} relays/s due (open loop)"
            : $"{report.Window} in flight each (closed loop)";
        string users = report.Bench switch
        {
            "pairs" => Count(report.Users, "pair"),
            "mesh" or "rtt" => Count(report.Users, "user"),
            _ => $"{Count(report.Users, "sender")} to {Count(report.Receivers, "receiver")}",
        };
        return $"{report.Bench}: {users}, {ByteSize.Format(report.SizeBytes)}, {loop}, {report.Seconds:0.##} s";
    }

    private static string Count(int number, string noun) => $"{number:N0} {noun}{(number == 1 ? "" : "s")}";

    private static IEnumerable<(string Label, string Line)> Remarks(BenchReport report)
    {
        yield return ("generator", $"{report.ProcessorsUsed:0.00} processors of {Environment.ProcessorCount} kept busy by this command");
        if (report.NotSent > 0)
        {
            yield return ("not sent", Colors.Bad($"{report.NotSent:N0} relays: their latency is missing above"));
        }

        if (report.Verification is not { } verification)
        {
            yield return ("verified", "nothing (--no-verify)");
        }
        else if (verification.Passed)
        {
            yield return ("verified", Colors.Good("count, order and content of every message"));
        }
        else
        {
            yield return ("FAILED", Colors.Bad($"{verification.Missing:N0} missing, {verification.Skipped:N0} skipped, {verification.Repeated:N0} repeated or late, {verification.Damaged:N0} damaged, {verification.Foreign:N0} foreign"));
            foreach (string example in verification.Examples)
            {
                yield return ("", example);
            }
        }
    }

    private static string[] Cells(Throughput throughput) =>
        [$"{throughput.Messages:N0}", $"{throughput.MessagesPerSecond:N0}", $"{throughput.MegabytesPerSecond:N1}"];

    private static double[] Percentiles(LatencySummary latency) => [latency.P50, latency.P90, latency.P99, latency.P999, latency.Max];

    private static string Time(double microseconds) => microseconds switch
    {
        < MicrosecondsPerMillisecond => $"{microseconds:0.#} µs",
        < MicrosecondsPerSecond => $"{microseconds / MicrosecondsPerMillisecond:0.##} ms",
        _ => $"{microseconds / MicrosecondsPerSecond:0.##} s",
    };

    private static void Row(StringBuilder text, string label, IEnumerable<string> cells, Func<string, string> paint) =>
        text.Append($"{label,-LabelWidth}")
            .Append(paint(string.Concat(cells.Select(cell => cell.PadLeft(ColumnWidth)))))
            .Append('\n');

    private static string Plain(string text) => text;
}
