using BenchmarkDotNet.Attributes;
using MessageDelivery.Protocol;

namespace MessageDelivery.Benchmarks;

/// <summary>The cost of a frame's header, read and written, and of finding the parts of a RELAY.</summary>
public class FrameBenchmarks
{
    private const int Frames = 1_000;
    private readonly byte[] _buffer = new byte[ProtocolLimits.HeaderBytes * Frames];
    private readonly FrameHeader _relay = new(FrameType.Relay, (byte)RelayFlags.Receipt, Argument: 3, Length: 8 + 24 + 128);

    [GlobalSetup]
    public void Fill() => WriteHeaders();

    [Benchmark(OperationsPerInvoke = Frames)]
    public uint ReadHeaders()
    {
        uint bytes = 0;
        for (int offset = 0; offset < _buffer.Length; offset += ProtocolLimits.HeaderBytes)
        {
            bytes += FrameHeader.Read(_buffer.AsSpan(offset)).Length;
        }

        return bytes;
    }

    [Benchmark(OperationsPerInvoke = Frames)]
    public void WriteHeaders()
    {
        for (int offset = 0; offset < _buffer.Length; offset += ProtocolLimits.HeaderBytes)
        {
            _relay.Write(_buffer.AsSpan(offset));
        }
    }

    [Benchmark(OperationsPerInvoke = Frames)]
    public int LayOutRelays()
    {
        int bytes = 0;
        for (int i = 0; i < Frames; i++)
        {
            if (RelayLayout.TryLayOut(_relay, out var layout) == ProtocolCode.Normal)
            {
                bytes += layout.BodyBytes;
            }
        }

        return bytes;
    }
}
