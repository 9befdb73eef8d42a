using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using MessageDelivery.Protocol;

namespace MessageDelivery.Benchmarks;

/// <summary>The cost of a RECEIPT for as many receivers as a relay may have.</summary>
public class ReceiptBenchmarks
{
    private readonly byte[] _frame = new byte[ProtocolLimits.HeaderBytes + 8 + ProtocolLimits.MaxReceivers];

    [Params(1, ProtocolLimits.MaxReceivers)]
    public int Receivers { get; set; }

    [Benchmark]
    public int WriteReceipt()
    {
        var header = new FrameHeader(FrameType.Receipt, 0, (ushort)Receivers, (uint)(8 + Receivers));
        header.Write(_frame);
        BinaryPrimitives.WriteUInt64LittleEndian(_frame.AsSpan(ProtocolLimits.HeaderBytes), 42);
        _frame.AsSpan(ProtocolLimits.HeaderBytes + 8, Receivers).Fill((byte)Outcome.Unknown);
        return ProtocolLimits.HeaderBytes + 8 + Receivers;
    }
}
