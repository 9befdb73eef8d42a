using System.Threading.Channels;

namespace MessageDelivery.Cli.Chat;

/// <summary>
/// Lines read on a thread of its own: reading a terminal or a pipe blocks and cannot be cancelled. The thread is a background
/// one and ends with the process.
/// </summary>
internal sealed class TypedLines
{
    private const int MaxWaiting = 16;

    private readonly Channel<string> _lines = Channel.CreateBounded<string>(MaxWaiting);
    private readonly Func<string?> _read;

    /// <param name="read">Waits for the next line; null at the end.</param>
    public TypedLines(Func<string?> read)
    {
        _read = read;
        new Thread(Run) { IsBackground = true, Name = "typing" }.Start();
    }

    public async ValueTask<string?> ReadAsync(CancellationToken cancellationToken) =>
        await _lines.Reader.WaitToReadAsync(cancellationToken) && _lines.Reader.TryRead(out string? line) ? line : null;

    private void Run()
    {
        try
        {
            while (_read() is { } line)
            {
                // This thread has nothing else to do than to wait.
                _lines.Writer.WriteAsync(line).AsTask().GetAwaiter().GetResult();
            }

            _lines.Writer.Complete();
        }
        catch (Exception exception)
        {
            _lines.Writer.Complete(exception);
        }
    }
}
