using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>WebSocket beside plain TCP, and beside other servers of WebSocket.</summary>
internal sealed class WebSocketTables(Figures figures)
{
    private static readonly string[] Titles = [.. ServerTable.WebSocketColumns.Select(column => column.Title)];

    public bool IsEmpty => !Rows.Any();

    private IEnumerable<Row> Rows => RowTable.All.Where(row => row.Kind == RowKind.WebSocket && figures.Has(row.Name));

    /// <summary>Microseconds for a delivered message.</summary>
    public Table Costs() => Each(row => server => Format.Number(figures.Cpu(row.Name, server)?.Median));

    /// <summary>What was delivered in a second of wall time.</summary>
    public Table Throughput() => Each(row => server => Format.PerSecond(figures.Load(row.Name, server, load => load.DeliveredPerSecond)?.Median));

    /// <summary>Ours over WebSocket to ours over plain TCP, and the others to ours over WebSocket.</summary>
    public Table Ratios()
    {
        string[] others = [ServerTable.NatsWebSocket, "aspnet", "ws", "socket.io"];
        var table = new Table(["work", "ours, WebSocket ÷ TCP", "to reach", "aim", "reached",
            .. others.Select(other => $"{ServerTable.WebSocketColumns.First(column => column.Name == other).Title} ÷ ours"), "to reach", "reached"]);
        foreach (var row in Rows)
        {
            var toTcp = figures.CpuRatio(row.Name, ServerTable.OursWebSocket, ServerTable.Ours);
            var nats = figures.CpuRatio(row.Name, ServerTable.NatsWebSocket, ServerTable.OursWebSocket);
            table.Add([row.Title, Format.WithSpread(toTcp), Format.Ratio(row.Target?.Least), Format.Ratio(row.Target?.Aim),
                row.Target?.Judge(toTcp?.Median) ?? Format.None,
                .. others.Select(other => figures.Failure(row.Name, other) ?? Format.WithSpread(figures.CpuRatio(row.Name, other, ServerTable.OursWebSocket))),
                row.NatsTarget is { } target ? $"nats {Format.Ratio(target.Least)}" : Format.None, row.NatsTarget?.Judge(nats?.Median) ?? Format.None]);
        }

        return table;
    }

    private Table Each(Func<Row, Func<string, string>> cell)
    {
        var table = new Table(["work", .. Titles]);
        foreach (var row in Rows)
        {
            table.Add([row.Title, .. ServerTable.WebSocketColumns.Select(column =>
                figures.Failure(row.Name, column.Name) is { } failure ? failure
                    : column.Name == ServerTable.OursWebSocket ? $"**{cell(row)(column.Name)}**" : cell(row)(column.Name))]);
        }

        return table;
    }
}
