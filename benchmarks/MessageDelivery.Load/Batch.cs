using System.Runtime.InteropServices;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>
/// Messages of one sender as bytes, written beforehand and sent over and over. A message is one publish, or one for each
/// receiver where they are reached so.
/// </summary>
internal sealed unsafe class Batch : IDisposable
{
    private const int WantedBytes = 64 << 10;
    private const int MaxMessageBytes = 1 << 30;
    private const byte Filler = (byte)'x';

    private readonly int[] _bodyOffsets;

    private Batch(int messageBytes, int messages, int[] bodyOffsets)
    {
        MessageBytes = messageBytes;
        Bytes = (long)messageBytes * messages;
        Start = (byte*)NativeMemory.Alloc((nuint)Bytes);
        _bodyOffsets = bodyOffsets;
    }

    public byte* Start { get; }

    public long Bytes { get; }

    public int MessageBytes { get; }

    /// <param name="publishes">Whom each publish is addressed to, in turn; all of them have as many addresses.</param>
    /// <param name="publishesPerMessage">How many of them are one message.</param>
    /// <param name="minMessages">Fewer are not enough, whatever their size.</param>
    /// <param name="maxMessages">More are not sent at a time.</param>
    /// <param name="number">What each body begins with, if not null.</param>
    /// <exception cref="LoadException">A message would take more than 1 GiB.</exception>
    public static Batch Create(
        WireProtocol protocol, ulong[][] publishes, int publishesPerMessage, int minMessages, int maxMessages, int? number)
    {
        byte[][] heads = [.. publishes.Select(addresses => protocol.Head(addresses))];
        int publishBytes = heads[0].Length + protocol.BodyBytes + protocol.Tail.Length;
        int messageBytes = (long)publishBytes * publishesPerMessage <= MaxMessageBytes
            ? publishBytes * publishesPerMessage
            : throw new LoadException(
                $"{publishesPerMessage} publishes of {publishBytes} bytes are one message: at most {MaxMessageBytes} bytes");
        int wanted = Math.Max(minMessages, Math.Min(maxMessages, WantedBytes / messageBytes));
        int period = publishes.Length / publishesPerMessage;
        int messages = wanted > period ? wanted - (wanted % period) : Math.Max(1, wanted);
        int[] bodyOffsets = [.. Enumerable.Range(0, publishesPerMessage).Select(i => (i * publishBytes) + heads[0].Length)];
        var batch = new Batch(messageBytes, messages, bodyOffsets);
        for (long i = 0; i < (long)messages * publishesPerMessage; i++)
        {
            byte[] head = heads[i % heads.Length];
            var publish = new Span<byte>(batch.Start + (i * publishBytes), publishBytes);
            publish.Fill(Filler);
            head.CopyTo(publish);
            protocol.Tail.CopyTo(publish[^protocol.Tail.Length..]);
            if (number is not null)
            {
                BitConverter.TryWriteBytes(publish[head.Length..], (uint)number);
            }
        }

        return batch;
    }

    /// <summary>Writes when it was due into the message that begins there.</summary>
    public void Stamp(long offset, long due)
    {
        foreach (int bodyOffset in _bodyOffsets)
        {
            *(long*)(Start + offset + bodyOffset) = due;
        }
    }

    public void Dispose() => NativeMemory.Free(Start);
}
