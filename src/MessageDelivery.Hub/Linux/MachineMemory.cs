using System.Globalization;

namespace MessageDelivery.Hub.Linux;

/// <summary>How much memory this process may have: the machine's, or less where a control group or the limit of address space says so.</summary>
internal static unsafe class MachineMemory
{
    private const long Kibibyte = 1_024;

    /// <summary>The least of what bounds it, in bytes.</summary>
    /// <param name="root">Where <c>/proc</c> and <c>/sys</c> are found; the empty text is the machine itself.</param>
    public static long LimitBytes(string root = "")
    {
        long most = Total(root) ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        foreach (long limit in GroupLimits(root))
        {
            most = Math.Min(most, limit);
        }

        return root.Length > 0 ? most : Math.Min(most, AddressSpaceBytes ?? long.MaxValue);
    }

    /// <summary>Bytes of address space that the process may have (<c>ulimit -v</c>); null is no limit.</summary>
    public static long? AddressSpaceBytes
    {
        get
        {
            Libc.ResourceLimit limit;
            return OperatingSystem.IsLinux() && Libc.GetResourceLimit(Libc.ResourceAddressSpace, &limit) == 0 && limit.Current < long.MaxValue
                ? (long)limit.Current
                : null;
        }
    }

    private static long? Total(string root)
    {
        string[] words = Lines($"{root}/proc/meminfo").FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal))?
            .Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 1 && Number(words[1]) is { } kibibytes ? kibibytes * Kibibyte : null;
    }

    /// <summary>The limits of the process's control group and of all those around it that can be seen (cgroups(7)).</summary>
    private static IEnumerable<long> GroupLimits(string root)
    {
        var groups = Lines($"{root}/proc/self/cgroup").Select(line => line.Split(':', 3)).Where(parts => parts.Length == 3).ToList();
        foreach (string line in Lines($"{root}/proc/self/mountinfo"))
        {
            // "36 35 98:0 /root /mount options - type source options"
            string[] halves = line.Split(" - ", 2), mount = halves[0].Split(' '), type = halves.Length > 1 ? halves[1].Split(' ') : [];
            if (mount.Length < 5 || type.Length < 3)
            {
                continue;
            }

            bool isSecond = type[0] == "cgroup2";
            if (!isSecond && !(type[0] == "cgroup" && type[2].Split(',').Contains("memory")))
            {
                continue;
            }

            string? group = groups.Find(parts => isSecond ? parts[0] == "0" && parts[1].Length == 0 : parts[1].Split(',').Contains("memory"))?[2];
            foreach (string folder in Folders(Unescape(mount[4]), Unescape(mount[3]), group ?? "/"))
            {
                string file = $"{root}{folder}/{(isSecond ? "memory.max" : "memory.limit_in_bytes")}";
                if (Lines(file).Select(Number).FirstOrDefault() is { } limit)
                {
                    yield return limit;
                }
            }
        }
    }

    /// <summary>The folder of a group and those around it, up to where they are mounted.</summary>
    /// <param name="mounted">Which group is mounted there; that of a container is where a container's groups begin.</param>
    private static IEnumerable<string> Folders(string mount, string mounted, string group)
    {
        // Above a root that is not ours stand "..": of the groups there only the mounted one can be seen.
        string inside = mounted == "/" ? group
            : group == mounted || group.StartsWith($"{mounted}/", StringComparison.Ordinal) ? group[mounted.Length..]
            : "/";
        inside = inside.Contains("..", StringComparison.Ordinal) ? "" : inside.TrimEnd('/');
        for (; inside.Length > 0; inside = inside[..inside.LastIndexOf('/')])
        {
            yield return mount + inside;
        }

        yield return mount;
    }

    // The kernel writes a blank in a path as \040.
    private static string Unescape(string path) => path.Replace("\\040", " ", StringComparison.Ordinal);

    // The kernel says "max", or a number near 2^63, where there is no limit.
    private static long? Number(string text) => long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    private static string[] Lines(string file)
    {
        try
        {
            return InputFile.ReadText(file).Split('\n');
        }
        catch (IOException)
        {
            return [];
        }
    }
}
