using System.Security.Cryptography;

namespace MessageDelivery.Hub.Linux;

/// <summary>
/// Random bytes that nobody can guess, from the kernel (getrandom(2)). The framework's generator loads the cryptographic library, which
/// costs 4 MB of memory and, at the first call, tens of milliseconds: on a loop's thread, where there is neither TLS nor tokens.
/// </summary>
internal static unsafe class RandomBytes
{
    /// <param name="bytes">At most 256, which come whole.</param>
    public static void Fill(Span<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            if (Libc.GetRandom(start, bytes.Length, 0) != bytes.Length)
            {
                RandomNumberGenerator.Fill(bytes);
            }
        }
    }
}
