using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MessageDelivery.Comparison.Results;
using MessageDelivery.Comparison.Rows;
using MessageDelivery.Comparison.Servers;

namespace MessageDelivery.Comparison.Measuring;

/// <summary>The generator could not measure; the message is its own.</summary>
internal sealed class LoadException(string message) : Exception(message);

/// <summary>The generator <c>load</c>, run once for each measurement on its own core.</summary>
internal sealed class LoadProgram(Cores cores)
{
    private const int ListRequests = 200;
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    public static string Program { get; } = Path.Combine(Repository.Root, "artifacts", "bin", "MessageDelivery.Load", "release", "load");

    /// <summary>A row's work for one server.</summary>
    /// <param name="rate">Messages per second, for an open loop.</param>
    public async Task<LoadResult> MeasureAsync(
        Server server, ServerProcess process, Row row, string variant, int? rate, Timing timing, CancellationToken stop)
    {
        List<string> arguments = [.. Target(server, process), "--mode", row.Mode, "--count", Text(row.Count), "--size", Text(row.Size),
            "--addressing", row.Addressing, "--seconds", Text(timing.Seconds), "--warm-up", Text(timing.WarmUp)];
        if (row.Window is { } window)
        {
            arguments.AddRange("--window", Text(window));
        }

        if (row.SharedWindow)
        {
            arguments.Add("--shared-window");
        }

        if (server.IsWebSocket)
        {
            arguments.AddRange("--messages-per-frame", Text(row.MessagesPerFrame));
        }

        if (rate is { } perSecond)
        {
            arguments.AddRange("--rate", Text(perSecond));
        }

        if (variant == "during")
        {
            arguments.AddRange("--stopped", Text(row.Stopped));
        }

        string line = await RunAsync(arguments, TimeSpan.FromSeconds(timing.Seconds + timing.WarmUp), stop);
        return JsonSerializer.Deserialize(line, ResultJson.Default.LoadResult)!;
    }

    public async Task<IdleResult> MeasureIdleAsync(Server server, ServerProcess process, int count, CancellationToken stop)
    {
        string line = await RunAsync(["idle", .. Target(server, process), "--count", Text(count)], Grace, stop);
        return JsonSerializer.Deserialize(line, ResultJson.Default.IdleResult)!;
    }

    public async Task<ListResult> MeasureListAsync(ServerProcess process, int count, CancellationToken stop)
    {
        string line = await RunAsync(
            ["list", "--port", Text(process.Port), "--process", Text(process.Id), "--count", Text(count), "--requests", Text(ListRequests)], Grace, stop);
        return JsonSerializer.Deserialize(line, ResultJson.Default.ListResult)!;
    }

    private static string[] Target(Server server, ServerProcess process) =>
        ["--protocol", server.Protocol, .. server.IsWebSocket ? ["--websocket"] : Array.Empty<string>(),
            "--port", Text(process.Port), "--process", Text(process.Id)];

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    private async Task<string> RunAsync(IEnumerable<string> arguments, TimeSpan measured, CancellationToken stop)
    {
        using var process = Process.Start(new ProcessStartInfo("taskset", ["-c", Text(cores.Generator), Program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var tooLong = CancellationTokenSource.CreateLinkedTokenSource(stop);
        tooLong.CancelAfter(measured + Grace);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(tooLong.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            stop.ThrowIfCancellationRequested();
            throw new LoadException($"stalled: the generator had not ended after {(measured + Grace).TotalSeconds:0} s");
        }

        string[] lines = (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return process.ExitCode == 0 && lines.Length == 1
            ? lines[0]
            : throw new LoadException((await error).Trim() is { Length: > 0 } text
                ? text.Split('\n')[0]
                : $"the generator ended with exit code {process.ExitCode}");
    }
}
