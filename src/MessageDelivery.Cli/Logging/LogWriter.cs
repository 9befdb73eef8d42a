using MessageDelivery.Cli.Operations;

namespace MessageDelivery.Cli.Logging;

/// <summary>
/// Writes lines so that whoever logs is never made to wait for a terminal or a pipe. What does not fit in its queue, or cannot be written, is
/// dropped, and the next line that is written says how much (docs/adr/0019-the-log-is-written-by-us.md).
/// </summary>
internal sealed class LogWriter : IDisposable
{
    private const int MaxWaiting = 4_096;
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private readonly TextWriter _output;
    private readonly BackgroundQueue<string> _lines;

    public LogWriter(TextWriter output)
    {
        _output = output;
        _lines = new("log", MaxWaiting, Write);
    }

    public void Write(string line) => _lines.Add(line);

    /// <summary>Writes what is waiting, for at most two seconds.</summary>
    public void Dispose() => _lines.End(EndPatience);

    private long Write(ReadOnlySpan<string> lines, long dropped)
    {
        foreach (string line in lines)
        {
            try
            {
                if (dropped > 0)
                {
                    _output.WriteLine($"(log lines that were dropped: {dropped})");
                    dropped = 0;
                }

                _output.WriteLine(line);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException || Failure.IsFileTooLarge(exception))
            {
                // Nobody reads, or the disk is full: that may pass. The hub serves on.
                dropped++;
            }
        }

        return dropped;
    }
}
