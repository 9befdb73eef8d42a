using BenchmarkDotNet.Attributes;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Benchmarks;

/// <summary>
/// LIST, from the frame to the answer in the asker's queue and out of it again, without the kernel's part. The asker stands
/// in the middle.
/// </summary>
public class ListingBenchmarks
{
    // A prime: leaving users come from all over the list.
    private const int Stride = 7_919;

    private readonly StillHub _hub = new();
    private User[] _others = [];
    private StillUser _asker = null!;
    private Segment _input;
    private int _place;

    [Params(10_000, 1_000_000)]
    public int Users { get; set; }

    [GlobalSetup]
    public void Join()
    {
        _others = new User[Users - 1];
        for (int i = 0; i < _others.Length; i++)
        {
            if (i == Users / 2)
            {
                _asker = _hub.Join();
            }

            _others[i] = _hub.Users.Add(null!);
        }

        _input = _hub.Fill(ClientFrames.List);
    }

    [Benchmark]
    public long List()
    {
        _asker.Receive(_input);
        _asker.Flush();
        return _hub.SentBytes;
    }

    /// <summary>Until the next list, one user comes.</summary>
    [Benchmark]
    [BenchmarkCategory(BenchmarkSettings.MayAllocate)]
    public long ListAndJoin()
    {
        _asker.Receive(_input);
        var newcomer = _hub.Users.Add(null!);
        _asker.Flush();
        // So that there are always as many; by now nobody holds the page.
        _hub.Users.Remove(newcomer);
        return _hub.SentBytes;
    }

    /// <summary>Until the list is sent, one user of somewhere in it leaves, and another comes.</summary>
    [Benchmark]
    [BenchmarkCategory(BenchmarkSettings.MayAllocate)]
    public long ListAndLeave()
    {
        _asker.Receive(_input);
        _place = (_place + Stride) % _others.Length;
        _hub.Users.Remove(_others[_place]);
        _others[_place] = _hub.Users.Add(null!);
        _asker.Flush();
        return _hub.SentBytes;
    }

    [GlobalCleanup]
    public void Leave()
    {
        _input.Block.Release();
        _hub.Dispose();
    }
}
