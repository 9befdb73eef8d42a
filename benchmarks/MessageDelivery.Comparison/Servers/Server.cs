using System.Diagnostics;
using MessageDelivery.Comparison.Measuring;

namespace MessageDelivery.Comparison.Servers;

/// <summary>A program and its arguments.</summary>
internal sealed record Launch(string Program, params string[] Arguments)
{
    public override string ToString() => string.Join(' ', [Path.GetFileName(Program), .. Arguments]);
}

/// <summary>A server that takes part: how it is started in its best configuration, and what it speaks.</summary>
/// <param name="name">As it stands in results and after <c>--servers</c>.</param>
/// <param name="title">As people read it.</param>
/// <param name="protocol">The generator's <c>--protocol</c>.</param>
internal abstract class Server(string name, string title, string protocol)
{
    public string Name => name;

    public string Title => title;

    public string Protocol => protocol;

    /// <summary>Whether it is spoken to over WebSocket.</summary>
    public virtual bool IsWebSocket => false;

    /// <summary>What it is told beyond its defaults and why, for the report.</summary>
    public abstract string Configuration { get; }

    /// <summary>The cores it may run on.</summary>
    public virtual IReadOnlyList<int> CoresOf(Cores cores) => [cores.Server];

    /// <summary>How it is started; it may write what it needs into <paramref name="folder"/>.</summary>
    public abstract Launch LaunchAt(int port, string folder);

    /// <summary>What it says about its version; one line.</summary>
    public abstract string ReadVersion();

    /// <summary>Why it cannot take part here, or null.</summary>
    public virtual string? FindFault() =>
        Locate(LaunchAt(1, Path.GetTempPath()).Program) is null ? $"{LaunchAt(1, Path.GetTempPath()).Program} is missing" : null;

    protected static string Artifact(params string[] path) => Path.Combine([Repository.Root, "artifacts", .. path]);

    /// <summary>A configuration file with this text.</summary>
    protected static string Write(string folder, string name, string text)
    {
        string path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>The first line of what a program prints, whatever it exits with.</summary>
    protected static string FirstLine(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }

    private static string? Locate(string program) => Path.IsPathRooted(program)
        ? (File.Exists(program) ? program : null)
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
