using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>A block with known bytes.</summary>
internal sealed class TestBytes : IDisposable
{
    public TestBytes(BlockPool pool, int length)
    {
        Block = pool.Rent(BlockSize.Large);
        for (int i = 0; i < length; i++)
        {
            Block.Span(i, 1)[0] = (byte)(i * 31);
        }
    }

    public Block Block { get; }

    public Segment Part(int offset, int length) => new(Block, offset, length);

    public static byte[] Content(int offset, int length) => [.. Enumerable.Range(offset, length).Select(i => (byte)(i * 31))];

    public void Dispose() => Block.Release();
}
