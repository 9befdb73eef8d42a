using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// Ids that nobody can guess and that never come twice: the numbers 1, 2, 3 and so on, each encrypted with a key of this hub's run. A
/// cipher maps no two numbers to the same, so that nothing has to be remembered of ids that were given. See docs/adr/0012.
/// </summary>
/// <remarks>
/// A Feistel network of ten rounds over two halves of 27 bits, with AES-128 as its round function; a result that is 0 or not below 2^53 is
/// encrypted again. For one thread at a time.
/// </remarks>
internal sealed class RandomIds
{
    private const int Rounds = 10;
    private const int HalfBits = 27;
    private const uint HalfMask = (1u << HalfBits) - 1;
    private const int BlockBytes = 16;
    private const ulong EndOfIds = 1UL << 53;

    private readonly ICryptoTransform _cipher;
    private readonly byte[] _input = new byte[BlockBytes];
    private readonly byte[] _output = new byte[BlockBytes];

    /// <param name="key">16 bytes.</param>
    public RandomIds(byte[] key)
    {
        // One block at a time is all that is wanted of it: the round function needs no mode.
        using var aes = Aes.Create();
        aes.Key = key;
#pragma warning disable CA5358
        aes.Mode = CipherMode.ECB;
#pragma warning restore CA5358
        aes.Padding = PaddingMode.None;
        _cipher = aes.CreateEncryptor();
    }

    public static RandomIds Create() => new(RandomNumberGenerator.GetBytes(BlockBytes));

    /// <summary>The id of a number from 1 to 2^53 - 1.</summary>
    public ulong this[ulong number]
    {
        get
        {
            ulong id = number;
            do
            {
                id = Encrypt(id);
            }
            while (id is 0 or >= EndOfIds);

            return id;
        }
    }

    private ulong Encrypt(ulong number)
    {
        uint left = (uint)(number >> HalfBits) & HalfMask;
        uint right = (uint)number & HalfMask;
        for (int round = 0; round < Rounds; round++)
        {
            (left, right) = (right, left ^ (Mix(round, right) & HalfMask));
        }

        return ((ulong)left << HalfBits) | right;
    }

    private uint Mix(int round, uint half)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_input, round);
        BinaryPrimitives.WriteUInt32LittleEndian(_input.AsSpan(sizeof(int)), half);
        _cipher.TransformBlock(_input, 0, BlockBytes, _output, 0);
        return BinaryPrimitives.ReadUInt32LittleEndian(_output);
    }
}
