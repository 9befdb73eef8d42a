using System.Diagnostics;
using System.Globalization;
using MessageDelivery.Comparison.Results;

namespace MessageDelivery.Comparison.Measuring;

/// <summary>What a run stands on: this machine and this source.</summary>
internal static class Machine
{
    public static MachineInfo Describe() => new(
        Field("/proc/cpuinfo", "model name") ?? "unknown",
        Environment.ProcessorCount,
        1024 * long.Parse((Field("/proc/meminfo", "MemTotal") ?? "0").Split(' ')[0], CultureInfo.InvariantCulture),
        File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
        Environment.Version.ToString());

    public static string Commit() => Git("rev-parse", "HEAD") ?? "unknown";

    public static bool HasChanges() => Git("status", "--porcelain") is not (null or "");

    private static string? Field(string path, string name) => File.ReadLines(path)
        .FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    private static string? Git(params string[] arguments)
    {
        try
        {
            using var git = Process.Start(new ProcessStartInfo("git", arguments)
            {
                WorkingDirectory = Repository.Root,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            string output = git.StandardOutput.ReadToEnd().Trim();
            git.WaitForExit();
            return git.ExitCode == 0 ? output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
