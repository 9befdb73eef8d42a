using BenchmarkDotNet.Attributes;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Benchmarks;

/// <summary>A relay of 128 bytes on its way from the frame to its receivers' queues and out of them again.</summary>
public class RoutingBenchmarks
{
    private const int BodyBytes = 128;

    private const int RunRelays = 1_000;

    private readonly StillHub _hub = new();
    private StillUser[] _receivers = [];
    private StillUser _sender = null!;
    private byte[] _frame = [];
    private Segment _input;

    [GlobalSetup(Target = nameof(RelayToOne))]
    public void JoinOne() => Join(receivers: 1);

    [GlobalSetup(Target = nameof(RelayToMost))]
    public void JoinMost() => Join(ProtocolLimits.MaxReceivers);

    [Benchmark]
    public long RelayToOne() => Relay();

    /// <summary>All 255 queues hold something at one time.</summary>
    [Benchmark]
    public long RelayToMost() => Relay();

    [GlobalSetup(Target = nameof(RunToOne))]
    public void JoinRun()
    {
        Join(receivers: 1);
        _frame = [.. Enumerable.Repeat(_frame, RunRelays).SelectMany(bytes => bytes)];
        _input.Block.Release();
        _input = _hub.Fill(_frame);
    }

    /// <summary>A thousand relays that came in one piece; the figures are for each. What is counted or checked for each shows here.</summary>
    [Benchmark(OperationsPerInvoke = RunRelays)]
    public long RunToOne() => Relay();

    [GlobalCleanup]
    public void Leave()
    {
        _input.Block.Release();
        _hub.Dispose();
    }

    private void Join(int receivers)
    {
        _sender = _hub.Join();
        _receivers = [.. Enumerable.Range(0, receivers).Select(_ => _hub.Join())];
        _frame = ClientFrames.Relay(BodyBytes, [.. _receivers.Select(receiver => receiver.Id)]);
        _input = _hub.Fill(_frame);
    }

    /// <summary>The frame is written anew each time, since the hub makes the delivery of it in place.</summary>
    private long Relay()
    {
        _frame.CopyTo(_input.Span);
        _sender.Receive(_input);
        foreach (var receiver in _receivers)
        {
            receiver.Flush();
        }

        return _hub.SentBytes;
    }
}
