using System.IO.Pipelines;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// Runs the continuation of one end of a pipe on a thread of the pool, as <see cref="PipeScheduler.ThreadPool"/> does, but without an object for
/// each: an end waits for one thing at a time.
/// </summary>
internal sealed class PoolContinuation : PipeScheduler, IThreadPoolWorkItem
{
    private Action<object?>? _continuation;
    private object? _state;

    public override void Schedule(Action<object?> action, object? state)
    {
        if (Interlocked.CompareExchange(ref _continuation, action, null) is not null)
        {
            // Two wait at one end, which is a mistake of the program's. The pipe tells both.
            ThreadPool.Schedule(action, state);
            return;
        }

        _state = state;
        System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Execute()
    {
        object? state = _state;
        _state = null;
        // Before it runs: it may wait again.
        Interlocked.Exchange(ref _continuation, null)!(state);
    }
}
