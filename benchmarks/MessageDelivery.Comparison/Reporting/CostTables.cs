using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>Processor time, throughput and memory of the rows that run as fast as their windows allow.</summary>
internal sealed class CostTables(Figures figures)
{
    private IEnumerable<Row> Rows => RowTable.All.Where(row => row.Kind == RowKind.Cost && figures.Has(row.Name));

    /// <summary>Microseconds for a delivered message, and what they are compared with.</summary>
    public Table Targets()
    {
        var table = new Table(["work", .. Titles(), "nats ÷ ours", "best peer ÷ ours", "floor ÷ ours", "to reach", "aim", "reached"]);
        foreach (var row in Rows)
        {
            var nats = figures.CpuToOurs(row.Name, "nats");
            var best = figures.BestPeerToOurs(row.Name);
            bool isOfBest = row.Target?.Figure == TargetFigure.BestPeerToOurs;
            string of = isOfBest ? "best peer" : "nats";
            table.Add([row.Title,
                .. Cells(row, server => figures.Cpu(row.Name, server) is { } cpu ? Emphasise(server, Format.Number(cpu.Median)) : null),
                Format.WithSpread(nats), Format.WithSpread(best), Format.WithSpread(figures.CpuToOurs(row.Name, ServerTable.Floor)),
                Mark(of, row.Target?.Least), Mark(of, row.Target?.Aim), row.Target?.Judge((isOfBest ? best : nats)?.Median) ?? Format.None]);
        }

        return table;
    }

    /// <summary>Each server's processor time divided by ours.</summary>
    public Table Ratios()
    {
        var others = ServerTable.Columns.Where(column => column.Name != ServerTable.Ours).ToList();
        var table = new Table(["work", .. others.Select(column => column.Title)]);
        foreach (var row in Rows)
        {
            table.Add([row.Title, .. others.Select(column =>
                figures.Failure(row.Name, column.Name) ?? Format.WithSpread(figures.CpuToOurs(row.Name, column.Name)))]);
        }

        return table;
    }

    /// <summary>What was delivered in a second of wall time.</summary>
    public Table Throughput()
    {
        var table = new Table(["work", .. Titles()]);
        foreach (var row in Rows)
        {
            table.Add([row.Title, .. Cells(row, server =>
                (row.IsLarge
                    ? figures.Load(row.Name, server, load => load.MegabytesPerSecond) is { } bytes ? Format.BytesPerSecond(bytes.Median) : null
                    : figures.Load(row.Name, server, load => load.DeliveredPerSecond) is { } rate ? Format.PerSecond(rate.Median) : null) is { } text
                    ? Emphasise(server, text)
                    : null)]);
        }

        return table;
    }

    /// <summary>The greatest resident memory at work.</summary>
    public Table Memory()
    {
        var table = new Table(["work", .. Titles()]);
        foreach (var row in Rows)
        {
            table.Add([row.Title, .. Cells(row, server =>
                figures.Load(row.Name, server, load => load.ServerPeakResidentBytes) is { } peak ? Format.Mebibytes(peak.Greatest) : null)]);
        }

        return table;
    }

    private static IEnumerable<string> Titles() => ServerTable.Columns.Select(column => column.Title);

    private static string Emphasise(string server, string text) => server == ServerTable.Ours ? $"**{text}**" : text;

    private static string Mark(string of, double? ratio) => ratio is null ? Format.None : $"{of} {Format.Ratio(ratio)}";

    private IEnumerable<string> Cells(Row row, Func<string, string?> cell) => ServerTable.Columns.Select(column =>
        cell(column.Name) ?? figures.Failure(row.Name, column.Name) ?? Format.None);
}
