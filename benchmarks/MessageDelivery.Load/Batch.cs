using System.Numerics;
using System.Runtime.InteropServices;
using MessageDelivery.Load.Protocols;
using MessageDelivery.Load.WebSockets;

namespace MessageDelivery.Load;

/// <summary>
/// Messages of one sender as bytes, written beforehand and sent over and over: over WebSocket in frames that are masked already. A message
/// is one publish, or one for each receiver where they are reached so.
/// </summary>
internal sealed unsafe class Batch : IDisposable
{
    private const int WantedBytes = 64 << 10;
    private const int MaxUnitBytes = 1 << 30;
    private const byte Filler = (byte)'x';

    private readonly int _headerBytes;
    private readonly int _messageBytes;
    private readonly int[] _bodyOffsets;

    private Batch(int headerBytes, int messageBytes, int messagesPerUnit, int units, int[] bodyOffsets)
    {
        _headerBytes = headerBytes;
        _messageBytes = messageBytes;
        _bodyOffsets = bodyOffsets;
        MessagesPerUnit = messagesPerUnit;
        UnitBytes = headerBytes + (messageBytes * messagesPerUnit);
        Bytes = (long)UnitBytes * units;
        Start = (byte*)NativeMemory.Alloc((nuint)Bytes);
    }

    public byte* Start { get; }

    public long Bytes { get; }

    /// <summary>Bytes of what is sent whole: a frame of WebSocket, or a message.</summary>
    public int UnitBytes { get; }

    public int MessagesPerUnit { get; }

    /// <param name="publishes">Whom each publish is addressed to, in turn; all of them have as many addresses.</param>
    /// <param name="publishesPerMessage">How many of them are one message.</param>
    /// <param name="minMessages">Fewer are not enough, whatever their size.</param>
    /// <param name="maxMessages">More are not sent at a time.</param>
    /// <param name="number">What each body begins with, if not null.</param>
    /// <param name="messagesPerFrame">How many messages a frame of WebSocket has; null without WebSocket.</param>
    /// <exception cref="LoadException">What is sent whole would take more than 1 GiB.</exception>
    public static Batch Create(
        WireProtocol protocol, ulong[][] publishes, int publishesPerMessage, int minMessages, int maxMessages, int? number, int? messagesPerFrame)
    {
        byte[][] heads = [.. publishes.Select(addresses => protocol.Head(addresses))];
        int publishBytes = heads[0].Length + protocol.BodyBytes + protocol.Tail.Length;
        int messagesPerUnit = messagesPerFrame ?? 1;
        int publishesPerUnit = publishesPerMessage * messagesPerUnit;
        long payloadBytes = (long)publishBytes * publishesPerUnit;
        if (payloadBytes > MaxUnitBytes)
        {
            throw new LoadException($"{publishesPerUnit} publishes of {publishBytes} bytes are sent together: at most {MaxUnitBytes} bytes");
        }

        int headerBytes = messagesPerFrame is null ? 0 : ClientFrame.HeaderBytes(payloadBytes);
        int messageBytes = publishBytes * publishesPerMessage;
        int wanted = Math.Max(minMessages, Math.Min(maxMessages, WantedBytes / messageBytes));
        int period = publishes.Length / publishesPerMessage;
        int messages = wanted > period ? wanted - (wanted % period) : Math.Max(1, wanted);
        int[] bodyOffsets = [.. Enumerable.Range(0, publishesPerMessage).Select(i => (i * publishBytes) + heads[0].Length)];
        var batch = new Batch(headerBytes, messageBytes, messagesPerUnit, Math.Max(1, messages / messagesPerUnit), bodyOffsets);
        for (byte* unit = batch.Start; unit < batch.Start + batch.Bytes; unit += batch.UnitBytes)
        {
            var payload = new Span<byte>(unit + headerBytes, (int)payloadBytes);
            payload.Fill(Filler);
            long first = (unit - batch.Start) / batch.UnitBytes * publishesPerUnit;
            for (int i = 0; i < publishesPerUnit; i++)
            {
                byte[] head = heads[(first + i) % heads.Length];
                var publish = payload.Slice(i * publishBytes, publishBytes);
                head.CopyTo(publish);
                protocol.Tail.CopyTo(publish[^protocol.Tail.Length..]);
                if (number is not null)
                {
                    BitConverter.TryWriteBytes(publish[head.Length..], (uint)number);
                }
            }

            if (headerBytes > 0)
            {
                uint key = (uint)Random.Shared.NextInt64(1L << 32);
                ClientFrame.WriteHeader(
                    new(unit, headerBytes), protocol.IsText ? ClientFrame.Text : ClientFrame.Binary, payloadBytes, key);
                ClientFrame.Mask(payload, key);
            }
        }

        return batch;
    }

    /// <summary>Where a message begins in all that its sender writes, one batch behind the other.</summary>
    public long OffsetOf(long message) =>
        (message / MessagesPerUnit * UnitBytes) + _headerBytes + (message % MessagesPerUnit * _messageBytes);

    /// <summary>Writes when it was due into a message.</summary>
    public void Stamp(long message, long due)
    {
        long offset = OffsetOf(message) % Bytes;
        byte* payload = Start + (offset / UnitBytes * UnitBytes) + _headerBytes;
        foreach (int bodyOffset in _bodyOffsets)
        {
            byte* body = Start + offset + bodyOffset;
            *(long*)body = _headerBytes == 0 ? due : due ^ MaskAt(*(uint*)(payload - sizeof(uint)), body - payload);
        }
    }

    public void Dispose() => NativeMemory.Free(Start);

    /// <summary>Eight bytes of the mask, from somewhere in the payload on.</summary>
    private static long MaskAt(uint key, long position) =>
        (long)BitOperations.RotateRight(((ulong)key << 32) | key, 8 * (int)(position % sizeof(uint)));
}
