using System.Globalization;
using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>The plots of the report, as SVG. What was not measured is not drawn.</summary>
internal static class Plots
{
    public const string Cost = "cpu-by-work.svg";
    public const string WebSocket = "cpu-websocket.svg";
    private static readonly double[] Percentiles = [0, 90, 99, 99.9, 99.99, 99.999];

    /// <summary>What is measured over the size of a body.</summary>
    public static IReadOnlyList<string> SweptModes { get; } = ["pairs", "fan-out"];

    public static string CpuBySize(string mode) => $"cpu-by-size-{mode}.svg";

    public static string ThroughputBySize(string mode) => $"throughput-by-size-{mode}.svg";

    public static string Latency(Row row) => $"{row.Name}.svg";

    public static void Write(Figures figures, string folder)
    {
        if (Directory.Exists(folder))
        {
            foreach (string old in Directory.EnumerateFiles(folder, "*.svg"))
            {
                File.Delete(old);
            }
        }

        Directory.CreateDirectory(folder);
        WriteCosts(figures, RowKind.Cost, ServerTable.Columns, Path.Combine(folder, Cost));
        WriteCosts(figures, RowKind.WebSocket, ServerTable.WebSocketColumns, Path.Combine(folder, WebSocket));

        foreach (string mode in SweptModes)
        {
            string work = mode == "pairs" ? "16 pairs" : "1 → 255, one shared subject";
            WriteSizes(figures, mode, $"CPU by size: {work}", "µs for each delivered message",
                load => load.ServerCpuMicrosecondsPerMessage, Path.Combine(folder, CpuBySize(mode)));
            WriteSizes(figures, mode, $"Throughput by size: {work}", "delivered messages per second",
                load => load.DeliveredPerSecond, Path.Combine(folder, ThroughputBySize(mode)));
        }

        foreach (var row in RowTable.All.Where(row => row.Kind == RowKind.Latency))
        {
            WriteLatency(figures, row, Path.Combine(folder, Latency(row)));
        }
    }

    private static void WriteCosts(Figures figures, RowKind kind, IReadOnlyList<(string Name, string Title)> servers, string path)
    {
        var rows = RowTable.All.Where(row => row.Kind == kind && servers.Any(server => figures.Cpu(row.Name, server.Name) is not null)).ToList();
        if (rows.Count > 0)
        {
            CostBars.Write(figures, rows, servers, path);
        }
    }

    private static void WriteSizes(
        Figures figures, string mode, string title, string yLabel, Func<LoadResult, double?> figure, string path)
    {
        var rows = RowTable.All.Where(row => row.Kind == RowKind.Sweep && row.Mode == mode).ToList();
        using var plot = new CurvePlot(title, "size of a body", yLabel);
        foreach (var (name, serverTitle) in ServerTable.Columns)
        {
            plot.Add(name, serverTitle,
                [.. rows.Select(row => (X: Math.Log2(row.Size), Y: figures.Load(row.Name, name, figure)?.Median))
                    .Where(point => point.Y > 0).Select(point => (point.X, point.Y!.Value))],
                hasMarkers: true);
        }

        if (!plot.IsEmpty)
        {
            plot.Save(path, [.. rows.Select(row => (Math.Log2(row.Size), Format.Size(row.Size)))], CurvePlot.Short);
        }
    }

    /// <summary>As HdrHistogram plots do: each step to the right is a tenth of the messages that are slower.</summary>
    private static void WriteLatency(Figures figures, Row row, string path)
    {
        using var plot = new CurvePlot(row.Title, "percentile", "µs from when a message was due");
        double farthest = 90;
        foreach (var (name, title) in ServerTable.Columns)
        {
            var counts = figures.LatencyCounts(row.Name, name);
            double total = counts.Sum(pair => pair.Count);
            var points = new List<(double X, double Y)>();
            double below = 0;
            foreach (var (micros, count) in counts)
            {
                // The last message has nobody above it, and would lie at infinity.
                double share = Math.Min(below / total, 1 - (1 / total));
                points.Add((-Math.Log10(1 - share), Math.Max(micros, 0.1)));
                below += count;
            }

            plot.Add(name, title, points, hasMarkers: false);
            farthest = total > 0 ? Math.Max(farthest, 100 * (1 - (1 / total))) : farthest;
        }

        if (!plot.IsEmpty)
        {
            var shown = Percentiles.TakeWhile((_, i) => i == 0 || Percentiles[i - 1] < farthest);
            plot.Save(path,
                [.. shown.Select(percent => (-Math.Log10(1 - (percent / 100)), string.Create(CultureInfo.InvariantCulture, $"{percent} %")))],
                CurvePlot.Short);
        }
    }
}
