
namespace MessageDelivery.Cli.Logging;

/// <summary>
/// Writes lines on a thread of its own, so that whoever logs is never made to wait for a terminal or a pipe. What does not
/// fit in its bounded queue is dropped, and the next line that is written says how much.
/// </summary>
internal sealed class LogWriter : IDisposable
{
    private const int MaxWaiting = 4_096;

    private readonly TextWriter _output;
    private readonly Queue<string> _waiting = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _ready = new(0);
    private readonly Thread _thread;
    private int _dropped;
    private bool _ends;

    public LogWriter(TextWriter output)
    {
        _output = output;
        _thread = new Thread(Run) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    public void Write(string line)
    {
        lock (_lock)
        {
            if (_ends)
            {
                return;
            }

            if (_waiting.Count == MaxWaiting)
            {
                _dropped++;
                return;
            }

            _waiting.Enqueue(line);
        }

        _ready.Release();
    }

    /// <summary>Writes what is waiting, for at most two seconds.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_ends)
            {
                return;
            }

            _ends = true;
        }

        _ready.Release();
        _thread.Join(TimeSpan.FromSeconds(2));
    }

    private void Run()
    {
        while (true)
        {
            _ready.Wait();
            string? line;
            int dropped;
            lock (_lock)
            {
                if (!_waiting.TryDequeue(out line) && _ends)
                {
                    return;
                }

                (dropped, _dropped) = (_dropped, 0);
            }

            if (!TryWrite(line, dropped))
            {
                // Nobody reads, or the disk is full: that may pass. The hub serves on.
                lock (_lock)
                {
                    _dropped += dropped + (line is null ? 0 : 1);
                }
            }
        }
    }

    private bool TryWrite(string? line, int dropped)
    {
        try
        {
            if (dropped > 0)
            {
                _output.WriteLine($"(log lines that were dropped: {dropped})");
            }

            if (line is not null)
            {
                _output.WriteLine(line);
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException || Failure.IsFileTooLarge(exception))
        {
            return false;
        }
    }
}
