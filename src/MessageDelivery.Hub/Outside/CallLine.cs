using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Outside;

/// <summary>
/// Calls to somebody outside of the hub, made in their order by a thread of their own: if one does not return, those that wait are
/// bounded, and the hub's own threads go on. Any thread.
/// </summary>
/// <param name="most">Calls that may wait; one more is lost.</param>
/// <param name="call">Makes one. What it throws is told to <paramref name="failed"/>.</param>
/// <param name="failed">Told, on the same thread, of what a call has thrown.</param>
internal sealed class CallLine<T>(string name, int most, Action<T> call, Action<Exception> failed)
{
    private readonly Queue<T> _waiting = new();
    private Thread? _thread;
    private bool _isOver;
    private long _lost;

    /// <summary>Puts a call at the end of the line. False if it is lost: too many wait, <paramref name="limit"/> do, or it is over.</summary>
    public bool TryAdd(in T item, int limit = int.MaxValue)
    {
        lock (_waiting)
        {
            if (_isOver || _waiting.Count >= Math.Min(most, limit) || !TryStart())
            {
                _lost++;
                return false;
            }

            _waiting.Enqueue(item);
            Monitor.Pulse(_waiting);
            return true;
        }
    }

    /// <summary>How many were lost since this was last asked.</summary>
    public long TakeLost()
    {
        lock (_waiting)
        {
            long lost = _lost;
            _lost = 0;
            return lost;
        }
    }

    /// <summary>Takes no more, and waits for those in line for as long as the patience is.</summary>
    public void Stop(TimeSpan patience)
    {
        Thread? thread;
        lock (_waiting)
        {
            _isOver = true;
            thread = _thread;
            Monitor.PulseAll(_waiting);
        }

        thread?.Join(patience);
    }

    private bool TryStart()
    {
        if (_thread is not null)
        {
            return true;
        }

        try
        {
            var thread = new Thread(Run, ThreadStack.Bytes) { IsBackground = true, Name = name };
            thread.Start();
            _thread = thread;
            return true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            // The machine gives no thread; the next call tries again.
            return false;
        }
    }

    private void Run()
    {
        while (TryTake(out var item))
        {
            try
            {
                call(item);
            }
            catch (Exception exception)
            {
                failed(exception);
            }
        }
    }

    private bool TryTake(out T item)
    {
        lock (_waiting)
        {
            while (_waiting.Count == 0)
            {
                if (_isOver)
                {
                    item = default!;
                    return false;
                }

                Monitor.Wait(_waiting);
            }

            item = _waiting.Dequeue();
            return true;
        }
    }
}
