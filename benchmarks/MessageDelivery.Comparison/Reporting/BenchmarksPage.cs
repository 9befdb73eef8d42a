using System.Globalization;
using System.Text;
using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;

namespace MessageDelivery.Comparison.Reporting;

/// <summary>docs/benchmarks.md: everything in it comes from the file of results but the explanations.</summary>
/// <param name="plots">The folder that <see cref="Plots"/> has written to.</param>
internal sealed class BenchmarksPage(RunInfo run, Figures figures, string plots)
{
    private readonly StringBuilder _text = new();

    public override string ToString()
    {
        _text.Clear();
        WriteHead();
        WriteCosts();
        WriteWebSocket();
        WriteSizes();
        WriteLatencies();
        WriteOthers();
        WriteServers();
        WriteMethod();
        WriteFailures();
        return _text.ToString();
    }

    private static Row RowOf(RowKind kind) => RowTable.All.First(row => row.Kind == kind);

    private void WriteHead()
    {
        Paragraph("# Benchmarks");
        Paragraph("The hub beside other servers that relay messages. `./bench` has measured and written this page; do not edit it. "
            + "`./bench --report` writes it anew from the raw results in `artifacts/bench/results.jsonl`.");
        var table = new Table("what", "");
        table.Add("commit", $"`{run.Commit}`{(run.HasChanges ? ", with changes that were not committed" : "")}");
        table.Add("date", run.Date.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture));
        string memory = (run.Machine.MemoryBytes / (double)(1L << 30)).ToString("0", CultureInfo.InvariantCulture);
        table.Add("machine", $"{run.Machine.Processor}, {run.Machine.Cores} cores, {memory} GiB");
        table.Add("kernel", $"Linux {run.Machine.Kernel}");
        table.Add(".NET", run.Machine.Runtime);
        table.Add("command", $"`{run.Command}`");
        table.Add("rounds", string.Create(
            CultureInfo.InvariantCulture, $"{run.Rounds}, each turn {run.Seconds} s after {run.WarmUp} s of warm-up; ")
            + "points of the curves by size at most three rounds of half as long, 10,000 connections once");
        table.Add("cores", string.Create(CultureInfo.InvariantCulture, $"servers on core {run.ServerCore}, generator on core {run.GeneratorCore}"));
        Paragraph(table);
    }

    private void WriteCosts()
    {
        var tables = new CostTables(figures);
        Paragraph("## Processor time for a message");
        Paragraph("""
            The server's CPU for each delivered message in microseconds, the median of the rounds. Ratios are the median of each round's
            ratio, with the least and the greatest: above 1 × the hub costs less. *One at a time*: a sender waits until its message has
            arrived; otherwise it is a window of messages ahead. *Receivers listed*: a broker gets one publish for each of the 255, the
            hub one relay that lists them; in the other rows from one to many it is a broker's best case, one publish to a subject that
            all have subscribed. *One window for all*: as many messages are on their way as there are senders, and whoever stands first in
            their order sends first, one message at a time; so a few senders send nearly all.
            """);
        Paragraph(tables.Targets());
        Picture(Plots.Cost, "Processor time for a delivered message in each row, for each server");
        Paragraph("What each server costs, ours being 1:");
        Paragraph(tables.Ratios());
        Paragraph("## Throughput");
        Paragraph("""
            Delivered in a second of wall time, with the server and the generator on a core each. Where the generator's core is busy
            before the server's, this is the generator's limit, and processor time tells more.
            """);
        Paragraph(tables.Throughput());
        Paragraph("## Memory at work");
        Paragraph("The process's greatest resident memory over all rounds of a row.");
        Paragraph(tables.Memory());
    }

    private void WriteWebSocket()
    {
        var tables = new WebSocketTables(figures);
        if (tables.IsEmpty)
        {
            return;
        }

        Paragraph("## WebSocket");
        Paragraph("""
            The server's CPU for each delivered message in microseconds, over WebSocket and over plain TCP. What clients send is masked, as the
            protocol wants it, before the measurement begins; nothing is compressed. *In each frame*: how many messages a client puts into a frame.
            To the hub and to nats-server frames are a stream, and they put as many messages into theirs as they have; to the others a frame is a
            message. ASP.NET Core and ws carry small relays of our own, which hand each message on as it is; socket.io sends text events to rooms.
            """);
        Paragraph(tables.Costs());
        Picture(Plots.WebSocket, "Processor time for a delivered message over WebSocket, for each server");
        Paragraph("Ratios are the median of each round's ratio, with the least and the greatest. Less is better in the first column, more in the others:");
        Paragraph(tables.Ratios());
        Paragraph("Delivered in a second of wall time:");
        Paragraph(tables.Throughput());
    }

    private void WriteSizes()
    {
        if (!Plots.SweptModes.Any(mode => HasPicture(Plots.CpuBySize(mode))))
        {
            return;
        }

        Paragraph("## By size");
        foreach (string mode in Plots.SweptModes)
        {
            Picture(Plots.ThroughputBySize(mode), $"Throughput by size, {mode}");
            Picture(Plots.CpuBySize(mode), $"Processor time by size, {mode}");
        }
    }

    private void WriteLatencies()
    {
        var tables = new OtherTables(figures);
        var rows = RowTable.All.Where(row => row.Kind == RowKind.Latency && figures.Has(row.Name)).ToList();
        if (rows.Count > 0)
        {
            Paragraph("## Latency");
            string rateRow = RowTable.All.First(row => row.Name == RowTable.RateRow).Title;
            Paragraph($"""
                16 pairs, 128 B, at a part of the rate that the slowest peer reached in the row *{rateRow}*, the same for all. Messages
                are due at even times whatever became of those before, and a latency counts from when its message was due, so waiting is
                not left out. Figures are medians of the rounds; the curves are all rounds together.
                """);
            foreach (var row in rows)
            {
                Paragraph($"### {row.Title}");
                Paragraph(tables.Latency(row));
                Picture(Plots.Latency(row), row.Title);
            }
        }

        var stopped = RowOf(RowKind.Stopped);
        Section(stopped, "Latency while others stop reading",
            $"{stopped.Count} pairs exchange messages; then, in a run of its own right after, {stopped.Stopped} more pairs are "
                + "there, whose receivers never read and whose senders send without limit.",
            () => tables.Stopped(stopped));
    }

    private void WriteOthers()
    {
        var tables = new OtherTables(figures);
        var cores = RowOf(RowKind.Cores);
        Section(cores, "One core and two",
            $"{cores.Title}, at a fixed rate. On two cores the hub shares the second with the generator.", () => tables.Cores(cores));
        var idle = RowOf(RowKind.Idle);
        Section(idle, "Idle connections",
            $"Resident memory with {Format.Bytes(idle.Count)} connections that are logged in (and subscribed, at brokers) and do "
                + "nothing. What the kernel holds for sockets is not in it.",
            () => tables.Idle(idle));
        var start = RowOf(RowKind.Start);
        Section(start, "Start", "From the start of the process until it accepts a connection, tried every millisecond; and its "
            + "resident memory a second later, before the first user.",
            () => tables.Start(start));
        var list = RowOf(RowKind.List);
        Section(list, "LIST", "One user asks who is there, again and again, one question at a time.", () => tables.List(list));
    }

    private void WriteServers()
    {
        Paragraph("## The servers");
        var table = new Table("server", "version", "started as", "configuration");
        foreach (var server in run.Servers)
        {
            table.Add(server.Title, server.Version, $"`{server.Command}`", server.Configuration);
        }

        Paragraph(table.ToString().Replace("---:", "---", StringComparison.Ordinal));
    }

    private void WriteMethod()
    {
        Paragraph("## How it is measured");
        Paragraph("""
            * One generator, `benchmarks/MessageDelivery.Load`, speaks every server's protocol with raw bytes that are made before the
              measurement. Receivers count bytes and decode nothing, so the generator costs about the same for all.
            * The server has one core for itself and the generator another. A row's servers are started for it and kept through its
              rounds. In each round every server has one turn, and the order moves by one from round to round (A B C, B C A, …). Who
              has no turn is suspended.
            * Processor time is the operating system's accounting of the server's threads over the measured seconds, divided by the
              messages delivered in them. It contains the kernel's work for the server's sockets.
            * The floor, `benchmarks/floor/floor.c`, speaks the hub's wire format and checks nothing: about the least that a hub of this
              kind can do.
            """);
        Paragraph("""
            What it does not show:

            * Everything goes over loopback on one machine. There is no network and no loss, and the kernel moves the bytes from core to
              core, which a network card would do otherwise.
            * The kernel's work for a socket is a part that no server can avoid; where messages go one at a time, it is most of what is
              measured.
            * With windows, a server that is slower gets less load. Throughput and processor time are then at the server's own pace;
              only latency is measured at one rate for all.
            * Every server is used without persistence, encryption and authentication, and MQTT with quality of service 0. The peers can
              do much that the hub cannot, and the hub's receipts and back-pressure are not asked of them.
            * Turns are short, and machines have neighbours: compare within a row of one run, and mind the spread.
            """);
    }

    private void WriteFailures()
    {
        var failures = figures.Failures().GroupBy(sample => (sample.Row, sample.Server)).ToList();
        if (failures.Count == 0)
        {
            return;
        }

        Paragraph("## What could not be measured");
        Paragraph("After two failures in a row of the table a server has no further turns in it.");
        var table = new Table("row", "server", "times", "what happened last");
        foreach (var group in failures)
        {
            table.Add(group.Key.Row, group.Key.Server, group.Count().ToString(CultureInfo.InvariantCulture),
                group.Last().Failure!.Replace("|", "\\|", StringComparison.Ordinal));
        }

        Paragraph(table);
    }

    private void Section(Row row, string title, string text, Func<Table> table)
    {
        if (figures.Has(row.Name))
        {
            Paragraph($"## {title}");
            Paragraph(text);
            Paragraph(table());
        }
    }

    private bool HasPicture(string name) => File.Exists(Path.Combine(plots, name));

    private void Picture(string name, string text)
    {
        if (HasPicture(name))
        {
            Paragraph($"![{text}](benchmarks/{name})");
        }
    }

    private void Paragraph(object text) => _text.Append(text.ToString()!.TrimEnd()).Append("\n\n");
}
