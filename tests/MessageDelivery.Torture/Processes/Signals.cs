using System.Runtime.InteropServices;

namespace MessageDelivery.Torture.Processes;

/// <summary>Signals to processes that this one has started. False where the process has gone already.</summary>
internal static partial class Signals
{
    private const int Kill = 9;
    private const int Continue = 18;
    private const int Stop = 19;

    public static bool SendStop(int processId) => SendSignal(processId, Stop) == 0;

    public static bool SendContinue(int processId) => SendSignal(processId, Continue) == 0;

    public static bool SendKill(int processId) => SendSignal(processId, Kill) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);
}
