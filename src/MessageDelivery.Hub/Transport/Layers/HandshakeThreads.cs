using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// The threads that do the arithmetic of handshakes, so that no message waits for it. They yield to the loops where processors are
/// short, and new handshakes beyond what can be waited for are refused at once: those that are let in can still finish in time.
/// </summary>
internal sealed class HandshakeThreads : IDisposable
{
    /// <summary>The most handshakes that may stand in line.</summary>
    public const int MaxWaiting = 1_024;

    private const int Niceness = 5;
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private readonly Queue<TlsHandshake> _line = new();
    private readonly Thread[] _threads;
    private readonly Action<Exception> _failed;
    private bool _isOver;

    /// <param name="failed">Told of a defect.</param>
    public HandshakeThreads(int count, Action<Exception> failed)
    {
        _failed = failed;
        _threads = [.. Enumerable.Range(0, count).Select(number => new Thread(Run, ThreadStack.Bytes) { IsBackground = true, Name = $"hub handshakes {number}" })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>Lets a handshake make a step; false if the line is too long for a new one, or the hub has stopped. Any thread.</summary>
    public bool TryAdd(TlsHandshake handshake, bool mayRefuse)
    {
        lock (_line)
        {
            if (_isOver || (mayRefuse && _line.Count >= MaxWaiting))
            {
                return false;
            }

            _line.Enqueue(handshake);
            Monitor.Pulse(_line);
            return true;
        }
    }

    /// <summary>Ends the threads; those in line get their last step.</summary>
    public void Dispose()
    {
        lock (_line)
        {
            _isOver = true;
            Monitor.PulseAll(_line);
        }

        Array.ForEach(_threads, thread => thread.Join(EndPatience));
    }

    private void Run()
    {
        Libc.MakeThreadYield(Niceness);
        while (Take() is { } handshake)
        {
            try
            {
                handshake.Step();
            }
            catch (Exception exception)
            {
                _failed(exception);
            }
        }
    }

    private TlsHandshake? Take()
    {
        lock (_line)
        {
            while (_line.Count == 0)
            {
                if (_isOver)
                {
                    return null;
                }

                Monitor.Wait(_line);
            }

            return _line.Dequeue();
        }
    }
}
