using System.Globalization;
using System.Text.RegularExpressions;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Finds who listens on a port of this machine, among the processes that this user may look at.</summary>
internal static partial class ListeningProcess
{
    // As /proc/net/tcp has it: number, local address, remote address, state 0A (listening), …, inode in the tenth field.
    private const string Listening = "0A";
    private const int LocalField = 1;
    private const int StateField = 3;
    private const int InodeField = 9;

    /// <summary>Its number; null if nobody is found.</summary>
    public static int? Find(int port)
    {
        var sockets = Inodes("/proc/net/tcp", port).Concat(Inodes("/proc/net/tcp6", port)).Select(inode => $"socket:[{inode}]").ToHashSet();
        return sockets.Count == 0 ? null : Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int process) ? process : 0)
            .Where(process => process > 0 && Holds(process, sockets))
            .Select(process => (int?)process)
            .FirstOrDefault();
    }

    private static IEnumerable<string> Inodes(string file, int port)
    {
        if (!File.Exists(file))
        {
            return [];
        }

        string end = $":{port.ToString("X4", CultureInfo.InvariantCulture)}";
        return from line in File.ReadLines(file).Skip(1)
               let fields = Blanks().Split(line.Trim())
               where fields.Length > InodeField && fields[StateField] == Listening && fields[LocalField].EndsWith(end, StringComparison.Ordinal)
               select fields[InodeField];
    }

    private static bool Holds(int process, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/fd")
                .Any(descriptor => File.ResolveLinkTarget(descriptor, returnFinalTarget: false) is { } target && sockets.Contains(Path.GetFileName(target.FullName)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Somebody else's, or it has just ended.
            return false;
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
