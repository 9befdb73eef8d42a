using System.Globalization;

namespace MessageDelivery.Load.Measuring;

/// <summary>What a process has used until now, as the kernel tells it. See proc(5).</summary>
internal sealed class ServerUsage
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux that .NET runs on

    /// <summary>By so much may what the kernel counts in ticks differ from the truth: user and system time, at both ends.</summary>
    private static readonly TimeSpan TickError = TimeSpan.FromMilliseconds(40);

    private readonly Dictionary<string, (long Nanoseconds, long Voluntary, long Involuntary)> _threads = [];
    private readonly TimeSpan _processTime;

    /// <exception cref="LoadException">There is no such process.</exception>
    public ServerUsage(int processId)
    {
        string folder = $"/proc/{processId}";
        try
        {
            foreach (string thread in Directory.EnumerateDirectories($"{folder}/task"))
            {
                AddThread(thread);
            }

            // Fields 14 and 15; the name in the second may hold spaces.
            string stat = File.ReadAllText($"{folder}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            _processTime = TimeSpan.FromSeconds((Number(fields[11]) + Number(fields[12])) / TicksPerSecond);
            string[] status = File.ReadAllLines($"{folder}/status");
            ResidentBytes = 1024 * Field(status, "VmRSS:");
            PeakResidentBytes = 1024 * Field(status, "VmHWM:");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoadException($"process {processId} cannot be measured: {e.Message}");
        }
    }

    public long ResidentBytes { get; }

    public long PeakResidentBytes { get; }

    /// <summary>
    /// Processor time since an earlier reading. What the threads tell is exact, but a thread that has ended tells nothing; so
    /// where the process as a whole, which counts in hundredths of a second, has used clearly more, that is taken.
    /// </summary>
    public TimeSpan ProcessorTimeSince(ServerUsage earlier)
    {
        var exact = TimeSpan.FromMicroseconds(Difference(earlier, thread => thread.Nanoseconds) / 1e3);
        var whole = _processTime - earlier._processTime;
        return whole > exact + TickError ? whole : exact;
    }

    public long VoluntarySwitchesSince(ServerUsage earlier) => Difference(earlier, thread => thread.Voluntary);

    public long InvoluntarySwitchesSince(ServerUsage earlier) => Difference(earlier, thread => thread.Involuntary);

    private long Difference(ServerUsage earlier, Func<(long Nanoseconds, long Voluntary, long Involuntary), long> value) =>
        _threads.Sum(thread => value(thread.Value) - value(earlier._threads.GetValueOrDefault(thread.Key)));

    private void AddThread(string folder)
    {
        try
        {
            string[] status = File.ReadAllLines($"{folder}/status");
            _threads[folder] = (
                Number(File.ReadAllText($"{folder}/schedstat").Split(' ')[0]),
                Field(status, "voluntary_ctxt_switches:"),
                Field(status, "nonvoluntary_ctxt_switches:"));
        }
        catch (IOException)
        {
            // It ended meanwhile.
        }
    }

    private static long Field(string[] lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is string line
            ? Number(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim())
            : 0;

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
