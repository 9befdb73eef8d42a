using System.Diagnostics;
using System.Globalization;

namespace MessageDelivery.Scenarios;

/// <summary>What a scenario prints at its end: where and what was measured, the figures, and what passed.</summary>
internal sealed class Report(string scenario, string settings)
{
    private readonly List<(string Name, string Value)> _rows = [];
    private readonly List<(bool Passed, string What)> _checks = [];

    /// <summary>Tells a person who waits how far it is.</summary>
    public static void Progress(string text) => Console.Error.WriteLine($"  {text}");

    public void Row(string name, string value) => _rows.Add((name, value));

    public void Check(bool passed, string what) => _checks.Add((passed, what));

    /// <summary>Prints everything; the exit code.</summary>
    public int Print()
    {
        (string, string)[] place =
        [
            ("scenario", $"{scenario} {settings}"),
            ("machine", $"{Environment.ProcessorCount} cores, {CpuName()}, Linux {FirstLine("/proc/sys/kernel/osrelease")}"),
            ("commit", Commit()),
            ("date", DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)),
        ];
        int width = place.Concat(_rows).Max(row => row.Item1.Length);
        Console.Out.WriteLine();
        foreach (var (name, value) in place)
        {
            Console.Out.WriteLine($"{name.PadRight(width)}  {value}");
        }

        Console.Out.WriteLine(new string('-', width + 50));
        foreach (var (name, value) in _rows)
        {
            Console.Out.WriteLine($"{name.PadRight(width)}  {value}");
        }

        Console.Out.WriteLine(new string('-', width + 50));
        foreach (var (passed, what) in _checks)
        {
            Console.Out.WriteLine($"{(passed ? "PASS" : "FAIL")}  {what}");
        }

        return _checks.Count > 0 && _checks.All(check => check.Passed) ? 0 : 1;
    }

    private static string CpuName() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown CPU";

    private static string FirstLine(string path) => File.ReadLines(path).FirstOrDefault() ?? "";

    private static string Commit()
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
            {
                WorkingDirectory = Repository.Root,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
            string text = git?.StandardOutput.ReadToEnd().Trim() ?? "";
            return text.Length > 0 ? text : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
