using System.Globalization;
using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>Latency, idle memory, start, LIST, and one core against two.</summary>
internal sealed class OtherTables(Figures figures)
{
    public Table Latency(Row row)
    {
        var table = new Table("server", "rate", "p50", "p90", "p99", "p99.9", "max", "server's CPU");
        foreach (var (name, title) in ServerTable.Columns)
        {
            AddLatency(table, row, name, title, "");
        }

        return table;
    }

    public Table Stopped(Row row)
    {
        var table = new Table("ours", "rate", "p50", "p90", "p99", "p99.9", "max", "server's CPU");
        AddLatency(table, row, ServerTable.Ours, "all read", "before");
        AddLatency(table, row, ServerTable.Ours, $"{row.Stopped} others stop", "during");
        return table;
    }

    public Table Cores(Row row)
    {
        var table = new Table("ours", "rate", "p50", "p99", "CPU for a message");
        foreach (var (name, title) in new[] { (ServerTable.Ours, "one core, one loop"), (ServerTable.TwoCores, "two cores, two loops") })
        {
            table.Add(title, Format.PerSecond(figures.Load(row.Name, name, load => load.DeliveredPerSecond)?.Median),
                Micros(row, name, "", latency => latency.P50), Micros(row, name, "", latency => latency.P99),
                Format.Micros(figures.Cpu(row.Name, name)?.Median));
        }

        return table;
    }

    public Table Idle(Row row)
    {
        var table = new Table("server", "before", "with all", "for each");
        foreach (var (name, title) in ServerTable.Columns)
        {
            table.Add(title, Format.Mebibytes(figures.Any(row.Name, name, sample => sample.Idle?.ResidentBefore)?.Median),
                Format.Mebibytes(figures.Any(row.Name, name, sample => sample.Idle?.ResidentWith)?.Median),
                figures.Any(row.Name, name, sample => sample.Idle?.BytesPerConnection) is { } each
                    ? $"{Format.Bytes(each.Median)} B"
                    : figures.Failure(row.Name, name) ?? Format.None);
        }

        return table;
    }

    public Table Start(Row row)
    {
        var table = new Table("server", "until it accepts", "resident memory");
        foreach (var (name, title) in ServerTable.Columns)
        {
            table.Add(title,
                figures.Any(row.Name, name, sample => sample.Start?.Milliseconds) is { } time
                    ? $"{Format.Number(time.Median)} ms"
                    : figures.Failure(row.Name, name) ?? Format.None,
                Format.Mebibytes(figures.Any(row.Name, name, sample => sample.Start?.ResidentBytes)?.Median));
        }

        return table;
    }

    public Table List(Row row)
    {
        var median = figures.Any(row.Name, ServerTable.Ours, sample => sample.List?.MedianMicroseconds);
        var table = new Table("connected", "median", "p99", "server's CPU", "at least", "aim", "reached");
        table.Add(row.Count.ToString("#,0", CultureInfo.InvariantCulture), Format.Micros(median?.Median),
            Format.Micros(figures.Any(row.Name, ServerTable.Ours, sample => sample.List?.P99Microseconds)?.Median),
            Format.Micros(figures.Any(row.Name, ServerTable.Ours, sample => sample.List?.ServerCpuMicrosecondsPerList)?.Median),
            Format.Micros(row.Target?.Least), Format.Micros(row.Target?.Aim), row.Target?.Judge(median?.Median) ?? Format.None);
        return table;
    }

    private void AddLatency(Table table, Row row, string server, string title, string variant)
    {
        string Percent(Func<LoadResult, double?> figure) =>
            figures.Load(row.Name, server, figure, variant) is { } cpu ? $"{Format.Number(cpu.Median)} %" : Format.None;
        table.Add(title,
            figures.Failure(row.Name, server) ?? Format.PerSecond(figures.Load(row.Name, server, load => load.DeliveredPerSecond, variant)?.Median),
            Micros(row, server, variant, latency => latency.P50), Micros(row, server, variant, latency => latency.P90),
            Micros(row, server, variant, latency => latency.P99), Micros(row, server, variant, latency => latency.P999),
            Micros(row, server, variant, latency => latency.Max), Percent(load => load.ServerCpuPercent));
    }

    private string Micros(Row row, string server, string variant, Func<Latency, double> figure) =>
        Format.Micros(figures.Load(row.Name, server, load => load.Latency is { } latency ? figure(latency) : null, variant)?.Median);
}
