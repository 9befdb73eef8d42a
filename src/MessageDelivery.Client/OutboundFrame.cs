using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>A frame to be sent, borrowing its caller's memory until it is written.</summary>
internal readonly struct OutboundFrame(FrameType type)
{
    public FrameType Type { get; } = type;

    /// <summary>A relay's flags.</summary>
    public RelayFlags Flags { get; init; }

    /// <summary>A list's flags.</summary>
    public ListFlags ListFlags { get; init; }

    /// <summary>A relay's only receiver, where <see cref="Receivers"/> is empty.</summary>
    public ulong Receiver { get; init; }

    public ReadOnlyMemory<ulong> Receivers { get; init; }

    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>What the hub's answer completes; null for a relay without a receipt.</summary>
    public PendingRequest? Request { get; init; }

    /// <summary>Writes it to the end of a buffer; the caller's memory is free afterwards. Memory that cannot be read throws before anything is written.</summary>
    public void WriteTo(SendBuffer buffer, ulong correlation)
    {
        ReadOnlySpan<ulong> receivers = Receivers.Span;
        ReadOnlySpan<byte> body = Body.Span;
        int count = Type != FrameType.Relay ? 0 : Math.Max(1, receivers.Length);
        int headBytes = Type == FrameType.Relay ? RelayLayout.HeadBytes(Flags, count) : ProtocolLimits.HeaderBytes;
        Span<byte> head = stackalloc byte[headBytes];
        uint length = (uint)(headBytes - ProtocolLimits.HeaderBytes + body.Length);
        new FrameHeader(Type, (byte)((byte)Flags | (byte)ListFlags), (ushort)count, length).Write(head);
        Span<byte> rest = head[ProtocolLimits.HeaderBytes..];
        if ((Flags & RelayFlags.Receipt) != 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(rest, correlation);
            rest = rest[8..];
        }

        if (count > 0 && receivers.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(rest, Receiver);
        }

        foreach (ulong receiver in receivers)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(rest, receiver);
            rest = rest[8..];
        }

        buffer.Append(head);
        buffer.Append(body);
    }
}
