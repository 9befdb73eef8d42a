using System.Collections.Concurrent;

namespace MessageDelivery.Hub.Loop;

/// <summary>Calls that other threads leave for a loop, in the order in which they came.</summary>
internal sealed class LoopCalls(EventLoop loop) : LoopEntry(loop)
{
    private readonly ConcurrentQueue<Action> _calls = new();

    /// <summary>Runs something on the loop's thread. Any thread.</summary>
    public void Add(Action call)
    {
        _calls.Enqueue(call);
        Post(1);
    }

    /// <summary>Runs what has come by now; what comes meanwhile is for the next turn.</summary>
    public void Run()
    {
        for (int count = _calls.Count; count > 0 && _calls.TryDequeue(out var call); count--)
        {
            Loop.Failures.Call(call);
        }
    }

    /// <inheritdoc/>
    protected override void OnPosted(int work) => Run();

    /// <inheritdoc/>
    internal override void Fail()
    {
    }

    /// <inheritdoc/>
    internal override bool TryClose() => true;
}
