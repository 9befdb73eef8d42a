using System.Diagnostics.CodeAnalysis;

namespace MessageDelivery.Hub.Loop;

/// <summary>Calls that other threads leave for a loop, in the order in which they came.</summary>
internal sealed class LoopCalls(EventLoop loop) : LoopEntry(loop)
{
    private readonly Queue<Action> _calls = new();
    private readonly Lock _lock = new();
    private bool _isOver;

    /// <summary>Runs something on the loop's thread. False, and it is not run, if that has ended. Any thread.</summary>
    public bool TryAdd(Action call)
    {
        lock (_lock)
        {
            if (_isOver)
            {
                return false;
            }

            _calls.Enqueue(call);
        }

        Post(1);
        return true;
    }

    /// <summary>Runs what has come by now, and takes nothing more.</summary>
    public void End()
    {
        lock (_lock)
        {
            _isOver = true;
        }

        Run();
    }

    /// <inheritdoc/>
    protected override void OnPosted(int work) => Run();

    /// <inheritdoc/>
    internal override void Fail()
    {
    }

    /// <inheritdoc/>
    internal override bool TryClose() => true;

    /// <summary>Runs what has come by now; what comes meanwhile is for the next turn.</summary>
    private void Run()
    {
        for (int count = _calls.Count; count > 0 && TryTake(out var call); count--)
        {
            Loop.Failures.Call(call);
        }
    }

    private bool TryTake([NotNullWhen(true)] out Action? call)
    {
        lock (_lock)
        {
            return _calls.TryDequeue(out call);
        }
    }
}
