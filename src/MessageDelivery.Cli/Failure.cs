using System.Net.Sockets;
using MessageDelivery.Client;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Cli;

/// <summary>What an exception means to whoever called the command.</summary>
internal static class Failure
{
    /// <summary>The exit code, and one line for stderr; null where there is nothing to say.</summary>
    public static (ExitCode ExitCode, string? Message) Explain(Exception exception) => exception switch
    {
        CommandException known => (known.ExitCode, OneLine(known.Message)),
        HubRequestException refused => (ExitCode.Refused, OneLine($"the hub refused: {refused.Message}")),
        HubConnectionException { Code: { } code } ended when IsRefusal(code) => (ExitCode.Refused, OneLine($"the hub refused: {ended.Message}")),
        HubConnectionException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } none =>
            (ExitCode.ConnectionFailed, OneLine($"{none.Message}: no hub is running there; --hub HOST:PORT names another")),
        HubConnectionException ended => (ExitCode.ConnectionFailed, OneLine(ended.Message)),
        OperationCanceledException => (ExitCode.Interrupted, null),
        // Files are dealt with where they are named.
        IOException or UnauthorizedAccessException => (ExitCode.InputOutput, OneLine($"standard input or output: {exception.Message}")),
        ArgumentException wrong => (ExitCode.Usage, OneLine(wrong.Message)),
        _ => (ExitCode.Defect, $"a defect: {exception.ToString().ReplaceLineEndings(" | ")}"),
    };

    /// <summary>Whether a hub that says so would not have this client, rather than having lost it.</summary>
    private static bool IsRefusal(ProtocolCode code) => code is not (
        ProtocolCode.Normal or ProtocolCode.ShuttingDown or ProtocolCode.HandshakeTimeout or ProtocolCode.HeartbeatTimeout
        or ProtocolCode.SlowConsumer or ProtocolCode.TakenOver);

    /// <summary>Words of others, such as the hub's or file names, as one line that cannot move the cursor and hides nothing.</summary>
    public static string OneLine(string message) => TextRenderer.Reveal(message.ReplaceLineEndings(" "));
}
