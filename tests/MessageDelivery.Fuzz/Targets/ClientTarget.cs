using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Fuzz.Inputs;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>
/// What a hub, or whatever answers in its place, sends to the client library: its reader and its session, without a socket, over
/// one connection after another. Every call ends, errors are typed, and nothing depends on how the bytes are cut.
/// </summary>
internal static class ClientTarget
{
    private static ReadOnlySpan<byte> Welcome => [0x81, 0, 1, 0, 16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 255, 0, 30, 0];

    /// <summary>Leaves little room in the block that the client receives into: what follows it has to move while this is still held.</summary>
    private static readonly byte[] LongDelivery = [0x85, 0, 0, 0, 0x60, 0xea, 0, 0, 7, .. new byte[59_999]];

    public static void Run(ReadOnlySpan<byte> bytes)
    {
        var input = new FuzzInput(bytes);
        byte[] stream = input.Has(0) ? input.Stream : [.. Welcome, .. input.Has(3) ? LongDelivery : [], .. input.Stream];
        using var whole = ClientReading.Play(stream, rest => [rest], input.Switches);
        using var cut = ClientReading.Play(stream, rest => input.Cut(rest), input.Switches);
        Oracle.Same("what the client makes of bytes that are cut into pieces", whole.Log, cut.Log);
        CheckDeliveries(stream, whole);
    }

    /// <summary>What was delivered is what the stream holds, as far as the client took it.</summary>
    private static void CheckDeliveries(byte[] stream, ClientReading reading)
    {
        var expected = new List<byte>();
        foreach (int offset in reading.Taken)
        {
            int length = BitConverter.ToInt32(stream, offset + 4);
            if (stream[offset] == PlainFrame.Delivery && length >= 8 && !reading.DiscardsDeliveries)
            {
                expected.AddRange(stream.AsSpan(offset + 8, length));
            }
        }

        Oracle.Same("deliveries", expected.ToArray(), reading.Delivered.ToArray());
    }
}
