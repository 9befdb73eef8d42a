using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Integration.Tests.CommandLine;

public sealed class DurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("500ms", 500)]
    [InlineData("10s", 10_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("2m", 120_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData(" 10 S ", 10_000)]
    [InlineData("-1s", -1_000)]
    public void Reads(string text, double milliseconds)
    {
        Assert.True(Duration.TryParse(text, out var time));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), time);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("10")]
    [InlineData("10 seconds")]
    [InlineData("00:00:10")]
    [InlineData("1e3s")]
    [InlineData("1,5s")]
    [InlineData("20000000d")]
    [InlineData("79228162514264337593543950335d")]
    public void Refuses(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1, "1ms")]
    [InlineData(1_500, "1500ms")]
    [InlineData(10_000, "10s")]
    [InlineData(120_000, "2m")]
    [InlineData(86_400_000, "1d")]
    public void Writes(double milliseconds, string text) => Assert.Equal(text, Duration.Format(TimeSpan.FromMilliseconds(milliseconds)));
}
