namespace MessageDelivery.Cli;

/// <summary>Ends the command with one line to stderr and an exit code.</summary>
internal sealed class CommandException(ExitCode exitCode, string message) : Exception(message)
{
    public ExitCode ExitCode { get; } = exitCode;
}
