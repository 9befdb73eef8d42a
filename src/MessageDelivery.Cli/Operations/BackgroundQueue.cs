using System.Threading.Channels;

namespace MessageDelivery.Cli.Operations;

/// <summary>
/// Hands entries to a thread of its own, in order: whoever adds one never waits. What does not fit is counted. The thread ends with the
/// process.
/// </summary>
internal sealed class BackgroundQueue<T>
{
    private const int MaxAtATime = 256;

    private readonly Channel<T> _waiting;
    private readonly Func<ReadOnlySpan<T>, long, long> _write;
    private readonly Thread _thread;
    private long _lost;

    /// <param name="name">The thread's.</param>
    /// <param name="write">Takes some entries, and how many were lost before them; tells how many it could not write, which count as lost.</param>
    public BackgroundQueue(string name, int capacity, Func<ReadOnlySpan<T>, long, long> write)
    {
        // What wakes the thread is so little that it is done at once, and not by the thread pool, which may be busy.
        _waiting = Channel.CreateBounded<T>(new BoundedChannelOptions(capacity) { SingleReader = true, AllowSynchronousContinuations = true });
        _write = write;
        _thread = new(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Adds an entry, if there are fewer than so many.</summary>
    public void Add(in T entry, int most = int.MaxValue)
    {
        if ((most < int.MaxValue && _waiting.Reader.Count >= most) || !_waiting.Writer.TryWrite(entry))
        {
            Interlocked.Increment(ref _lost);
        }
    }

    /// <summary>Takes nothing more, and has what is waiting written; false if that takes longer than it may.</summary>
    public bool End(TimeSpan patience)
    {
        _waiting.Writer.TryComplete();
        return _thread.Join(patience);
    }

    private void Run()
    {
        var entries = new T[MaxAtATime];
        // This thread has nothing else to do than to wait.
        while (_waiting.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            int count = 0;
            while (count < entries.Length && _waiting.Reader.TryRead(out entries[count]!))
            {
                count++;
            }

            Interlocked.Add(ref _lost, _write(entries.AsSpan(0, count), Interlocked.Exchange(ref _lost, 0)));
        }
    }
}
