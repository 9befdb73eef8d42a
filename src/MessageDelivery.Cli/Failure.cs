using System.ComponentModel;
using System.Net.Sockets;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Client;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli;

/// <summary>What an exception means to whoever called the command.</summary>
internal static class Failure
{
    /// <summary>ENOMEM.</summary>
    private const int OutOfMemory = 12;

    /// <summary>The exit code, and one line for stderr; null where there is nothing to say.</summary>
    public static (ExitCode ExitCode, string? Message) Explain(Exception exception) => exception switch
    {
        CommandException known => (known.ExitCode, OneLine.Of(known.Message)),
        HubRequestException refused => (ExitCode.Refused, OneLine.Of($"the hub refused: {refused.Message}")),
        HubConnectionException { Code: { } code } ended when IsRefusal(code) => (ExitCode.Refused, OneLine.Of($"the hub refused: {ended.Message}")),
        HubConnectionException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } none =>
            (ExitCode.ConnectionFailed, OneLine.Of($"{none.Message}: no hub is running there; --hub HOST:PORT names another")),
        HubConnectionException ended => (ExitCode.ConnectionFailed, OneLine.Of(ended.Message)),
        OperationCanceledException => (ExitCode.Interrupted, null),
        _ when IsFileTooLarge(exception) => (ExitCode.InputOutput, "standard output: File too large"),
        IOException when IsMemoryRefused(exception) => (ExitCode.InputOutput, MemoryText()),
        // Files are dealt with where they are named.
        IOException or UnauthorizedAccessException => (ExitCode.InputOutput, OneLine.Of($"standard input or output: {exception.Message}")),
        ArgumentException wrong => (ExitCode.Usage, OneLine.Of(OneLine.WithoutParameter(wrong))),
        _ when IsMemoryRefused(exception) => (ExitCode.InputOutput, MemoryText()),
        _ => (ExitCode.Defect, $"a defect: {exception.ToString().ReplaceLineEndings(" | ")}"),
    };

    /// <summary>Whether a hub that says so would not have this client, rather than having lost it.</summary>
    private static bool IsRefusal(ProtocolCode code) => code is not (
        ProtocolCode.Normal or ProtocolCode.ShuttingDown or ProtocolCode.HandshakeTimeout or ProtocolCode.HeartbeatTimeout
        or ProtocolCode.SlowConsumer or ProtocolCode.TakenOver);

    /// <summary>Whether a file may not grow (EFBIG), which the framework tells in an odd way.</summary>
    public static bool IsFileTooLarge(Exception exception) =>
        exception is ArgumentOutOfRangeException { ParamName: "value" } && exception.Message.StartsWith("Specified file length", StringComparison.Ordinal);

    /// <summary>Whether the system has refused memory, however that came to be told.</summary>
    private static bool IsMemoryRefused(Exception? exception) => exception switch
    {
        null => false,
        OutOfMemoryException => true,
        IOException { HResult: OutOfMemory } or Win32Exception { NativeErrorCode: OutOfMemory } => true,
        _ => IsMemoryRefused(exception.InnerException),
    };

    private static string MemoryText() => MachineMemory.AddressSpaceBytes is { } bytes
        ? $"the system refuses memory: this process may have {ByteSize.Rounded(bytes)} of address space (ulimit -v, LimitAS=), and needs more"
        : "the system refuses memory: there is none left, or a limit of this process or its container is met";
}
