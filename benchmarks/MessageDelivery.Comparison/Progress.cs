using MessageDelivery.Comparison.Measuring;
using MessageDelivery.Comparison.Reporting;
using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;
using Spectre.Console;

namespace MessageDelivery.Comparison;

/// <summary>What a person who waits sees, on standard error.</summary>
internal static class Progress
{
    // Where it is not a terminal, nobody told how wide a line may be.
    private const int MinWidth = 120;
    private static readonly IAnsiConsole Screen = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Console.Error) });

    static Progress() => Screen.Profile.Width = Math.Max(Screen.Profile.Width, MinWidth);

    /// <summary>Measures the rows, and shows how far it is after each sample: never meanwhile, which would take processor time.</summary>
    public static Task ShowAsync(Rounds comparison, IReadOnlyList<Row> rows, IReadOnlyList<Server> servers, Timing timing, CancellationToken stop) =>
        Screen.Progress().AutoRefresh(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                double Steps(Row row) => timing.For(row).Rounds * row.Variants.Count * Rounds.Participants(row, servers).Count;
                var task = context.AddTask("bench", maxValue: Math.Max(1, rows.Sum(Steps)));
                double before = 0;
                comparison.Sampled += sample =>
                {
                    task.Increment(1);
                    if (sample.Failure is { } failure)
                    {
                        Screen.MarkupLineInterpolated($"{sample.Row}, {sample.Server}, round {sample.Round}: [red]{failure}[/]");
                    }

                    context.Refresh();
                };
                foreach (var row in rows)
                {
                    task.Description = Markup.Escape(row.Title);
                    context.Refresh();
                    await comparison.MeasureAsync(row, stop);
                    task.Value = before += Steps(row); // a server that failed twice has no further turns
                }
            });

    /// <summary>Processor time for a message in the rows that have it.</summary>
    public static void PrintFigures(IReadOnlyList<Row> rows, IReadOnlyList<Sample> samples)
    {
        var figures = new Figures(samples);
        PrintFigures([.. rows.Where(row => row.Kind != RowKind.WebSocket)], figures, ServerTable.Columns);
        PrintFigures([.. rows.Where(row => row.Kind == RowKind.WebSocket)], figures, ServerTable.WebSocketColumns);
    }

    private static void PrintFigures(IReadOnlyList<Row> rows, Figures figures, IReadOnlyList<(string Name, string Title)> columns)
    {
        var shown = rows.Where(row => columns.Any(column => figures.Cpu(row.Name, column.Name) is not null)).ToList();
        if (shown.Count == 0)
        {
            return;
        }

        var table = new Spectre.Console.Table().Border(TableBorder.Simple).Title("server's CPU, µs for each delivered message");
        table.AddColumn("work");
        foreach (var (_, title) in columns)
        {
            table.AddColumn(new TableColumn(title).RightAligned());
        }

        foreach (var row in shown)
        {
            table.AddRow([row.Title, .. columns.Select(column =>
                figures.Failure(row.Name, column.Name) ?? Format.Number(figures.Cpu(row.Name, column.Name)?.Median))]);
        }

        Screen.Write(table);
    }
}
