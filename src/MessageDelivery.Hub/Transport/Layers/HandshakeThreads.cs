using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// The threads that do the arithmetic of handshakes, so that no message waits for it. They yield to the loops where processors are
/// short. Who has begun goes before who has only knocked, so that few are half-way at one time; and new ones beyond what can be waited
/// for are refused at once: those that are let in can still finish in time.
/// </summary>
internal sealed class HandshakeThreads : IDisposable
{
    /// <summary>
    /// The most bytes with which new handshakes may stand in line: those of 16,000 to 60,000 ordinary clients, so that all who lose their
    /// connections at one time find room when they come back.
    /// </summary>
    public const int MaxWaitingBytes = 32 << 20;

    // Of those who have begun, before a new one has its turn: whoever sends records one by one keeps nobody out.
    private const int MaxInARow = 4;
    private const int Niceness = 5;

    // Handshakes that are done with a step before the loops are told of it, while there is more to do: each time a loop is woken costs as
    // much as a tenth of a handshake. Others wait for that no longer than for a single full one.
    private const int MaxUntold = 8;
    private static readonly TimeSpan MaxUntoldTime = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private readonly object _gate = new();
    private readonly Queue<TlsHandshake> _begun = new();
    private readonly Queue<Newcomer> _newcomers = new();
    private readonly Thread[] _threads;
    private readonly long _patienceMilliseconds;
    private readonly Func<long> _milliseconds;
    private readonly Action<Exception> _failed;
    private int _waitingBytes;
    private int _inARow;
    private bool _isOver;

    /// <param name="patience">How long the first newcomer in line may have waited when another one is let in.</param>
    /// <param name="milliseconds">The time on the hub's clock.</param>
    /// <param name="failed">Told of a defect.</param>
    public HandshakeThreads(int count, TimeSpan patience, Func<long> milliseconds, Action<Exception> failed)
    {
        _patienceMilliseconds = (long)patience.TotalMilliseconds;
        _milliseconds = milliseconds;
        _failed = failed;
        _threads = [.. Enumerable.Range(0, count).Select(number => new Thread(Run, ThreadStack.Bytes) { IsBackground = true, Name = $"hub handshakes {number}" })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>Lets a handshake make its first step; false if the line is too long, or the hub has stopped. Any thread.</summary>
    /// <param name="bytes">What has come for it.</param>
    public bool TryBegin(TlsHandshake handshake, int bytes)
    {
        // The clock is the embedder's: outside of the lock.
        long now = _milliseconds();
        lock (_gate)
        {
            if (_isOver || bytes > MaxWaitingBytes - _waitingBytes
                || (_newcomers.TryPeek(out var first) && now - first.Since > _patienceMilliseconds))
            {
                return false;
            }

            _newcomers.Enqueue(new(handshake, bytes, now));
            _waitingBytes += bytes;
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Lets it make another step; false if the hub has stopped. Any thread.</summary>
    public bool TryGoOn(TlsHandshake handshake)
    {
        lock (_gate)
        {
            if (_isOver)
            {
                return false;
            }

            _begun.Enqueue(handshake);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Ends the threads; those in line get their last step.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            Monitor.PulseAll(_gate);
        }

        Array.ForEach(_threads, thread => thread.Join(EndPatience));
    }

    private void Run()
    {
        Libc.MakeThreadYield(Niceness);
        var untold = new List<TlsHandshake>(MaxUntold);
        long since = 0;
        while (true)
        {
            bool mustTell = untold.Count == MaxUntold || (untold.Count > 0 && Stopwatch.GetElapsedTime(since) >= MaxUntoldTime);
            if (mustTell || !TryTake(waits: untold.Count == 0, out var handshake))
            {
                if (untold.Count == 0)
                {
                    return;
                }

                Tell(untold);
            }
            else if (Step(handshake))
            {
                since = untold.Count == 0 ? Stopwatch.GetTimestamp() : since;
                untold.Add(handshake);
            }
        }
    }

    /// <summary>Whether its loop is to be told.</summary>
    private bool Step(TlsHandshake handshake)
    {
        try
        {
            return handshake.Step();
        }
        catch (Exception exception)
        {
            _failed(exception);
            return false;
        }
    }

    private void Tell(List<TlsHandshake> handshakes)
    {
        foreach (var handshake in handshakes)
        {
            try
            {
                handshake.Tell();
            }
            catch (Exception exception)
            {
                _failed(exception);
            }
        }

        handshakes.Clear();
    }

    /// <summary>The next one to make a step; false if there is none, or, for one who waits, if it is all over.</summary>
    private bool TryTake(bool waits, [NotNullWhen(true)] out TlsHandshake? handshake)
    {
        lock (_gate)
        {
            while (true)
            {
                if ((_inARow < MaxInARow || _newcomers.Count == 0) && _begun.TryDequeue(out handshake))
                {
                    _inARow++;
                    return true;
                }

                _inARow = 0;
                if (_newcomers.TryDequeue(out var newcomer))
                {
                    _waitingBytes -= newcomer.Bytes;
                    handshake = newcomer.Handshake;
                    return true;
                }

                if (_isOver || !waits)
                {
                    handshake = null;
                    return false;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Newcomer(TlsHandshake Handshake, int Bytes, long Since);
}
