using System.Text;
using MessageDelivery.Cli.Bench;
using MessageDelivery.Cli.Terminal;
using Spectre.Console;

namespace MessageDelivery.Cli.Attacks;

/// <summary>A report for a person: a table, then what is suspect and what the hub did, attack by attack.</summary>
internal static class AttackText
{
    // Without a terminal there is no width to keep to; the table is then as wide as this.
    private const int WidthWithoutTerminal = 150;
    private const double BytesPerMebibyte = 1 << 20;
    private const double MicrosecondsPerMillisecond = 1e3;

    public static void Write(AttackReport report, TextWriter output)
    {
        var console = AnsiConsole.Create(new()
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = Colors.OnOutput ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = Colors.OnOutput ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = WidthWithoutTerminal;
        }

        console.Write(new Text($"{Title(report)}\n\n"));
        console.Write(Table(report));
        console.Write(new Text($"{Details(report)}\n"));
    }

    private static string Title(AttackReport report)
    {
        string doors = report switch
        {
            { WantsTls: true } => "TLS only",
            { HasTls: true } => "with and without TLS",
            _ => "without TLS",
        };
        string process = report.ProcessId is { } id
            ? $"process {id}, at most {report.PeakBytes / BytesPerMebibyte:0} MiB"
            : "its process was not looked at (--pid)";
        return $"{report.Hub}: {doors}, {(report.IsOpen ? "open to everybody" : "for who has a token")}, {process}; {report.Connections} hostile connections, {report.SecondsEach:0.#} s each";
    }

    private static Table Table(AttackReport report)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("attack", "verdict", "connections", "requests", "sent MiB", "p99 before", "p99 during", "longest gap", "lost", "hub MiB", "hub CPU");
        for (int i = 2; i < table.Columns.Count; i++)
        {
            table.Columns[i].RightAligned();
        }

        foreach (var attack in report.Attacks)
        {
            table.AddRow([
                new Text(attack.Attack),
                new Text(attack.Verdict, new Style(attack.Verdict switch { Verdict.Ok => Color.Green, Verdict.Suspect => Color.Red, _ => Color.Default })),
                Cell(attack.Tried, tried => $"{tried.Connections:N0}"),
                Cell(attack.Tried, tried => $"{tried.Requests:N0}"),
                Cell(attack.Tried, tried => $"{tried.Bytes / BytesPerMebibyte:N1}"),
                Cell(attack.Before?.LatencyMicroseconds, P99),
                Cell(attack.During?.LatencyMicroseconds, P99),
                Cell(attack.During, during => Time(during.LongestGapMicroseconds)),
                Cell(attack.During, during => $"{during.Lost:N0}"),
                Cell(attack.Use, use => $"{use.PeakBytes / BytesPerMebibyte:0}"),
                Cell(attack.Use, use => $"{use.Processors:0.00}"),
            ]);
        }

        return table;
    }

    private static Text Cell<T>(T? value, Func<T, string> format)
        where T : class => new(value is null ? "" : format(value));

    private static string P99(LatencySummary latency) => Time(latency.P99);

    private static string Time(double microseconds) => $"{microseconds / MicrosecondsPerMillisecond:0.0} ms";

    private static string Details(AttackReport report)
    {
        var text = new StringBuilder();
        foreach (var attack in report.Attacks)
        {
            text.Append($"\n{attack.Attack}: {attack.Tries}\n");
            if (attack.Did is { } did)
            {
                text.Append($"  the hub: {did.InWords}\n");
            }

            string label = attack.Verdict == Verdict.Skipped ? Verdict.Skipped : "SUSPECT";
            foreach (string reason in attack.Reasons)
            {
                text.Append($"  {label}: {reason}\n");
            }

            if (attack.Verdict == Verdict.Suspect)
            {
                text.Append($"  a hub should: {attack.Wants}\n");
            }
        }

        return text.ToString();
    }
}
