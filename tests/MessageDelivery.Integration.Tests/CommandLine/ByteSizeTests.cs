using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Integration.Tests.CommandLine;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1048576", 1L << 20)]
    [InlineData("512B", 512)]
    [InlineData("64KiB", 64L << 10)]
    [InlineData("64MiB", 64L << 20)]
    [InlineData("1GiB", 1L << 30)]
    [InlineData("2TiB", 2L << 40)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData(" 64 mib ", 64L << 20)]
    [InlineData("-1", -1)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Reads(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out long read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("64MB")]
    [InlineData("64 megabytes")]
    [InlineData("1.5")]
    [InlineData("0.0001KiB")]
    [InlineData("1,000")]
    [InlineData("0x10")]
    [InlineData("1e6")]
    [InlineData("9223372036854775808")]
    [InlineData("8388608TiB")]
    [InlineData("79228162514264337593543950335TiB")]
    public void Refuses(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(64L << 20, "64MiB")]
    [InlineData(3L << 29, "1536MiB")]
    [InlineData(1L << 40, "1TiB")]
    [InlineData(1, "1 byte")]
    [InlineData(0, "0 bytes")]
    [InlineData(1000, "1000 bytes")]
    public void Writes(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
