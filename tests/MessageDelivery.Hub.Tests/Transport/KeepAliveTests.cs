using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>When a silent peer is asked, and for how long.</summary>
public sealed class KeepAliveTests
{
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(2, 1, 1, 1)]
    [InlineData(3, 1, 1, 2)]
    [InlineData(10, 5, 1, 5)]
    [InlineData(120, 60, 15, 4)]
    [InlineData(43_200, 21_600, 5_400, 4)]
    public void Half_of_the_time_is_silence_and_the_other_half_questions(int seconds, int idle, int interval, int count)
    {
        var asks = KeepAlive.Within(TimeSpan.FromSeconds(seconds));
        Assert.Equal((idle, interval, count), (asks.IdleSeconds, asks.IntervalSeconds, asks.Count));
    }

    /// <summary>Never later than was said, and hardly earlier; what the kernel takes are at most 32,767 seconds and 127 questions (tcp(7)).</summary>
    [Fact]
    public void All_of_it_takes_about_the_time()
    {
        for (int seconds = 2; seconds <= 43_200; seconds++)
        {
            var asks = KeepAlive.Within(TimeSpan.FromSeconds(seconds));
            Assert.InRange(asks.IdleSeconds + (asks.IntervalSeconds * asks.Count), seconds * 3 / 4.0, seconds);
            Assert.InRange(asks.IdleSeconds, 1, 32_767);
            Assert.InRange(asks.Count, 1, 7);
        }
    }

    [Fact]
    public void Options_that_cannot_be_are_named()
    {
        foreach (double seconds in (double[])[-1, 1, 2.5, 43_201])
        {
            var options = new MessageHubOptions { KeepAlive = TimeSpan.FromSeconds(seconds) };
            Assert.Contains("KeepAlive", Assert.ThrowsAny<ArgumentException>(() => new MessageHub(options)).Message, StringComparison.Ordinal);
        }
    }
}
