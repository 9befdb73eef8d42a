using MessageDelivery.Hub.Limits;

namespace MessageDelivery.Hub.Tests.Limits;

/// <summary>Errors in a minute, progress in an interval, bytes before anybody is known.</summary>
public sealed class CountsTests
{
    [Fact]
    public void One_error_more_than_the_limit_is_too_many()
    {
        var errors = new ErrorCount();
        for (int i = 0; i < 100; i++)
        {
            Assert.False(errors.IsOneTooMany(100, 1_000 + i));
        }

        Assert.True(errors.IsOneTooMany(100, 2_000));
    }

    [Fact]
    public void A_minute_later_they_are_forgotten()
    {
        var errors = new ErrorCount();
        Assert.False(errors.IsOneTooMany(1, 0));
        Assert.False(errors.IsOneTooMany(1, 60_000));
        Assert.True(errors.IsOneTooMany(1, 60_001));
    }

    [Fact]
    public void Without_a_limit_no_error_is_too_many()
    {
        var errors = new ErrorCount();
        Assert.DoesNotContain(true, Enumerable.Range(0, 10_000).Select(_ => errors.IsOneTooMany(0, 0)));
    }

    [Fact]
    public void Who_sends_too_little_in_an_interval_has_stopped()
    {
        var progress = new Progress();
        progress.Watch(what: 7, received: 0, now: 0);
        progress.Watch(what: 7, received: 100, now: 20_000);
        Assert.False(progress.HasStopped(100, received: 99, heldUpUntil: 0, now: 29_999));
        Assert.False(progress.HasStopped(100, received: 100, heldUpUntil: 0, now: 30_000));
        Assert.Equal(60_000, progress.Due);
        Assert.True(progress.HasStopped(100, received: 199, heldUpUntil: 0, now: 60_000));
    }

    [Fact]
    public void What_begins_anew_has_an_interval_of_its_own()
    {
        var progress = new Progress();
        progress.Watch(7, 0, 0);
        progress.Watch(8, 50, 29_000);
        Assert.Equal(59_000, progress.Due);
        progress.End();
        Assert.Equal(0, progress.Due);
        Assert.False(progress.HasStopped(100, 0, 0, 1_000_000));
    }

    [Fact]
    public void Time_in_which_the_hub_did_not_read_does_not_count()
    {
        var progress = new Progress();
        progress.Watch(7, 0, 0);
        Assert.False(progress.HasStopped(100, received: 1, heldUpUntil: 25_000, now: 30_000));
        Assert.True(progress.HasStopped(100, received: 2, heldUpUntil: 25_000, now: 60_000));
    }

    [Fact]
    public void Four_kibibytes_may_come_before_anybody_is_known_and_the_token_besides()
    {
        var bytes = default(EarlyBytes);
        Assert.True(bytes.TryReceive(4_000));
        Assert.True(bytes.TryReceive(8_192 + 96, tokenBytes: 8_192));
        Assert.False(bytes.TryReceive(1));
        Assert.False(bytes.TryReceive(int.MaxValue));
        Assert.False(bytes.TryReceive(int.MaxValue));
    }

    [Fact]
    public void One_kibibyte_may_be_answered()
    {
        var bytes = default(EarlyBytes);
        Assert.True(bytes.TrySend(1_000));
        Assert.False(bytes.TrySend(25));
        Assert.True(bytes.TrySend(24));
        Assert.False(bytes.TrySend(int.MaxValue));
    }
}
