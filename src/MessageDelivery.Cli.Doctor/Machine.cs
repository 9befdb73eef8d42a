using System.Globalization;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Cli.Doctor;

/// <summary>What this machine allows and has.</summary>
/// <param name="root">Where <c>/proc</c> is found; the empty text is the machine itself.</param>
internal sealed unsafe partial class Machine(string root = "")
{
    private const int TimexBytes = 512;
    private const int TimexStatusOffset = 40;
    private const int StatusUnsynchronised = 0x40;
    private const int ErrorUnsynchronised = 5;

    /// <summary>Bytes that the process may use, those of its container where it is in one.</summary>
    public long MemoryBytes { get; init; } = MachineMemory.LimitBytes(root);

    /// <summary>Whether the clock is synchronised; null where the kernel does not tell.</summary>
    public bool? ClockIsSynchronised { get; init; } = ReadClock();

    /// <summary>The file descriptors that this process may have at most; null if that cannot be told.</summary>
    public long? OpenFiles
    {
        get
        {
            string[] words = Read("self/limits").Split('\n').FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal))?
                .Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
            return words.Length >= 5 ? words[4] == "unlimited" ? long.MaxValue : Parse(words[4]) : null;
        }
    }

    /// <summary>A number that the kernel can be told with sysctl; null if it is not there.</summary>
    /// <param name="name">Its name with slashes: <c>net/core/somaxconn</c>.</param>
    /// <param name="place">Which of several numbers, from 0.</param>
    public long? Kernel(string name, int place = 0) =>
        Read($"sys/{name}").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is var words && words.Length > place ? Parse(words[place]) : null;

    private static long? Parse(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    private static bool? ReadClock()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        byte* timex = stackalloc byte[TimexBytes];
        new Span<byte>(timex, TimexBytes).Clear();
        // Asked with nothing to change, which needs no right.
        int state = AdjustClock(timex);
        return state < 0 ? null : state != ErrorUnsynchronised && (*(int*)(timex + TimexStatusOffset) & StatusUnsynchronised) == 0;
    }

    private string Read(string file)
    {
        try
        {
            return InputFile.ReadText($"{root}/proc/{file}");
        }
        catch (IOException)
        {
            return "";
        }
    }

    [LibraryImport("libc", EntryPoint = "adjtimex")]
    private static partial int AdjustClock(byte* timex);
}
