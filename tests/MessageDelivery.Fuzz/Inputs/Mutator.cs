namespace MessageDelivery.Fuzz.Inputs;

/// <summary>Changes inputs at random, the same way for the same seed: what a replay tries beyond the corpus.</summary>
internal sealed class Mutator(int seed)
{
    private const int MaxBytes = 40_000;
    private const int MaxChanges = 8;

    private static readonly byte[][] Tokens =
    [
        [0], [0xff], [0x7f], [0x80], [0, 1], [0, 0x10, 0], [0x18, 0x20], [0xff, 0xff, 0xff, 0xff], [0x1b], [0xc2, 0x9b], [0xe2, 0x82],
        .. new[] { "\n", "\r\n", "\n.\n", "\r\n.\r\n", ".", "..", "\r", "relay ", "relay\n1,2\n", "echo ", "[Server] ", ",", " ", "GET ", "MDS1", "18446744073709551616" }
            .Select(System.Text.Encoding.ASCII.GetBytes),
    ];

#pragma warning disable CA5394 // Randomness that must repeat is no secret.
    private readonly Random _random = new(seed);

    public byte[] Mutate(IReadOnlyList<byte[]> corpus)
    {
        var input = new List<byte>(corpus[_random.Next(corpus.Count)]);
        for (int changes = _random.Next(1, MaxChanges + 1); changes > 0; changes--)
        {
            Change(input, corpus);
        }

        return [.. input.Take(MaxBytes)];
    }

    private void Change(List<byte> input, IReadOnlyList<byte[]> corpus)
    {
        int at = _random.Next(input.Count + 1);
        int count = Math.Min(_random.Next(1, 17), input.Count - at);
        switch (_random.Next(7))
        {
            case 0 when at < input.Count:
                input[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < input.Count:
                input[at] = (byte)_random.Next(256);
                break;
            case 2 when count > 0:
                input.RemoveRange(at, count);
                break;
            case 3 when count > 0:
                input.InsertRange(_random.Next(input.Count + 1), input.GetRange(at, count));
                break;
            case 4:
                byte[] token = Tokens[_random.Next(Tokens.Length)];
                input.RemoveRange(at, _random.Next(2) * Math.Min(token.Length, input.Count - at));
                input.InsertRange(at, token);
                break;
            case 5:
                byte[] other = corpus[_random.Next(corpus.Count)];
                int from = _random.Next(other.Length + 1);
                input.RemoveRange(at, input.Count - at);
                input.AddRange(other.AsSpan(from));
                break;
            default:
                input.Insert(at, (byte)_random.Next(256));
                break;
        }
    }
#pragma warning restore CA5394
}
