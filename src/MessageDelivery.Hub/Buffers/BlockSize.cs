namespace MessageDelivery.Hub.Buffers;

/// <summary>The sizes in which message memory is handed out.</summary>
internal enum BlockSize
{
    /// <summary>2 KiB: replies, and the beginning of a frame.</summary>
    Small,
    /// <summary>16 KiB: what has come of a medium frame.</summary>
    Medium,
    /// <summary>256 KiB: what one read can bring.</summary>
    Large,
}

internal static class BlockSizes
{
    public const int SmallBytes = 2 << 10;
    public const int MediumBytes = 16 << 10;
    public const int LargeBytes = 256 << 10;
    public const int Count = 3;

    public static int Bytes(this BlockSize size) => size switch
    {
        BlockSize.Small => SmallBytes,
        BlockSize.Medium => MediumBytes,
        _ => LargeBytes,
    };

    /// <summary>The smallest size that holds so many bytes, or the largest there is.</summary>
    public static BlockSize For(long bytes) => bytes switch
    {
        <= SmallBytes => BlockSize.Small,
        <= MediumBytes => BlockSize.Medium,
        _ => BlockSize.Large,
    };
}
