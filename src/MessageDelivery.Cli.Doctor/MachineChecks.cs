using System.Globalization;
using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Cli.Doctor;

/// <summary>Whether the machine gives a hub what its settings promise.</summary>
internal static class MachineChecks
{
    private const int Backlog = 4_096;
    private const int OtherDescriptors = 96;
    private const long RuntimeBytes = 64L << 20;
    private const long PageBytes = 4_096;

    public static IEnumerable<Finding> FileDescriptors(DoctorContext context)
    {
        const string check = "file-descriptors";
        if (context.Machine.OpenFiles is not { } limit)
        {
            yield return new(check, FindingLevel.Warn, "the limit of open files cannot be read from /proc/self/limits");
            yield break;
        }

        long connections = Math.Max(0, limit - OtherDescriptors);
        if (context.Options.MaxConnections is { } most)
        {
            yield return most <= connections
                ? new(check, FindingLevel.Ok, $"{Count(limit)} file descriptors are enough for max-connections {Count(most)}")
                : new(
                    check, FindingLevel.Fail, $"max-connections is {Count(most)}, and the {Count(limit)} file descriptors of this process allow {Count(connections)}",
                    "raise the hard limit: LimitNOFILE= of the unit, or ulimit -Hn");
        }
        else
        {
            yield return connections >= 1_000
                ? new(check, FindingLevel.Ok, $"{Count(limit)} file descriptors allow {Count(connections)} connections")
                : new(
                    check, FindingLevel.Warn, $"{Count(limit)} file descriptors allow {Count(connections)} connections",
                    "raise the hard limit: LimitNOFILE= of the unit, or ulimit -Hn");
        }
    }

    public static IEnumerable<Finding> ConnectionBacklog(DoctorContext context)
    {
        const string check = "backlog";
        yield return context.Machine.Kernel("net/core/somaxconn") switch
        {
            null => new(check, FindingLevel.Warn, "net.core.somaxconn cannot be read"),
            < Backlog and var most => new(
                check, FindingLevel.Warn, $"net.core.somaxconn is {Count(most)}: so many connections may wait to be accepted, and the hub asks for {Count(Backlog)}",
                $"sysctl -w net.core.somaxconn={Backlog}"),
            var most => new(check, FindingLevel.Ok, $"net.core.somaxconn is {Count(most.Value)}, and the hub asks for {Count(Backlog)}"),
        };
    }

    public static IEnumerable<Finding> Memory(DoctorContext context)
    {
        const string check = "memory";
        var (machine, hub) = (context.Machine, context.Options);
        long has = machine.MemoryBytes;
        long messages = hub.MemoryLimitBytes ?? has / 4;
        long connections = hub.MaxConnections ?? Math.Max(0, (machine.OpenFiles ?? 1_024) - OtherDescriptors);
        // The kernel takes twice what it is told for a send buffer, and has a limit for all of TCP together.
        long buffer = hub.SendBufferBytes > 0 ? 2L * hub.SendBufferBytes : machine.Kernel("net/ipv4/tcp_wmem", 2) ?? 4 << 20;
        long kernel = Math.Min(Saturated(connections, buffer), machine.Kernel("net/ipv4/tcp_mem", 2) is { } pages ? Saturated(pages, PageBytes) : long.MaxValue);
        string limit = $"memory-limit {Size(messages)}";
        if (messages > has)
        {
            yield return new(
                check, FindingLevel.Fail, $"{limit} is more than the {Size(has)} that this machine or container has", "lower --memory-limit, or give it more memory");
        }
        else if (messages + RuntimeBytes + kernel > has)
        {
            yield return new(
                check, FindingLevel.Warn,
                $"{limit}, {Size(kernel)} that the kernel may hold for {Count(connections)} connections and {Size(RuntimeBytes)} for the program are more than the {Size(has)} that this machine or container has",
                "lower --max-connections, --send-buffer or --memory-limit, if so many receivers may be slow at one time");
        }
        else
        {
            yield return new(check, FindingLevel.Ok, $"{limit} and {Size(kernel)} of the kernel for {Count(connections)} connections fit in {Size(has)}");
        }
    }

    public static IEnumerable<Finding> SendBuffer(DoctorContext context)
    {
        const string check = "send-buffer";
        int wanted = context.Options.SendBufferBytes;
        if (wanted == 0)
        {
            long? most = context.Machine.Kernel("net/ipv4/tcp_wmem", 2);
            yield return new(check, FindingLevel.Ok, $"the kernel chooses, up to {(most is { } bytes ? Size(bytes) : "what net.ipv4.tcp_wmem says")} for each user");
            yield break;
        }

        yield return context.Machine.Kernel("net/core/wmem_max") switch
        {
            null => new(check, FindingLevel.Warn, "net.core.wmem_max cannot be read"),
            var most when most < wanted => new(
                check, FindingLevel.Warn, $"send-buffer is {Size(wanted)}, and net.core.wmem_max allows {Size(most.Value)}: users far away get less in a second",
                $"sysctl -w net.core.wmem_max={wanted.ToString(CultureInfo.InvariantCulture)}, or lower --send-buffer"),
            var most => new(check, FindingLevel.Ok, $"send-buffer {Size(wanted)} is within net.core.wmem_max {Size(most.Value)}"),
        };
    }

    public static IEnumerable<Finding> Clock(DoctorContext context)
    {
        const string check = "clock";
        yield return context.Machine.ClockIsSynchronised switch
        {
            true => new(check, FindingLevel.Ok, "the clock is synchronised"),
            false => new(
                check, FindingLevel.Warn, "the kernel says that the clock is not synchronised: certificates and tokens may count as expired, or as good for too long",
                "run chrony or systemd-timesyncd; timedatectl status tells more"),
            null => new(check, FindingLevel.Warn, "the kernel does not tell whether the clock is synchronised", "timedatectl status may tell"),
        };
    }

    private static long Saturated(long number, long each) => number > long.MaxValue / each / 4 ? long.MaxValue / 4 : number * each;

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Size(long bytes) => ByteSize.Rounded(bytes);
}
