using System.Diagnostics;
using System.Globalization;
using MessageDelivery.Scenarios;

namespace MessageDelivery.Torture.Running;

/// <summary>What the hub's process tells of itself, read with dotnet-counters as an operator would.</summary>
internal static class HubMeters
{
    private const string Meter = "MessageDelivery.Hub";

    /// <summary>The last value of each instrument, by its name.</summary>
    public static async Task<Dictionary<string, long>> ReadAsync(int processId)
    {
        await RunAsync("tool", "restore", "--verbosity", "quiet");
        string file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.csv");
        try
        {
            await RunAsync(
                "tool", "run", "dotnet-counters", "collect", "--process-id", $"{processId}", "--counters", Meter,
                "--refresh-interval", "1", "--duration", "00:00:04", "--format", "csv", "--output", file);
            return Parse(await File.ReadAllLinesAsync(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Reads lines such as <c>11/24/2026 16:40:47,MessageDelivery.Hub,mds.queued (By),Metric,529874</c>.</summary>
    public static Dictionary<string, long> Parse(string[] lines)
    {
        var values = new Dictionary<string, long>();
        foreach (string line in lines)
        {
            string[] fields = line.Split(',');
            if (fields.Length >= 5 && fields[1] == Meter
                && double.TryParse(fields[^1], NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
            {
                values[fields[2].Split(' ')[0]] = (long)value;
            }
        }

        return values;
    }

    private static async Task RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new InvalidOperationException("dotnet did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"dotnet {arguments[0]} {arguments[1]} ended with {process.ExitCode}: {await output} {await errors}");
        }
    }
}
