using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Tests;

public class BodyTests
{
    private const uint Run = 0x12345600;

    [Theory]
    [InlineData(24, false)]
    [InlineData(1_000, false)]
    [InlineData(1 << 20, false)]
    [InlineData(49, true)]
    [InlineData(4_096, true)]
    public void A_body_tells_its_author_and_number_and_any_other_byte_in_it_shows(int bytes, bool isText)
    {
        byte[] body = new byte[bytes];
        Body.Write(body, Run, author: 77, number: 123_456, isText);
        Assert.Equal(new(BodyState.Intact, 77, 123_456, bytes), Body.Read(body, Run));
        Assert.Equal(BodyState.Changed, Body.Read(body.AsSpan(0, bytes - 1), Run).State);
        Assert.Equal(BodyState.Changed, Body.Read(body, 0x12345700).State);
        for (int i = 0; i < bytes; i += Math.Max(1, bytes / 100))
        {
            body[i] ^= 0x40;
            Assert.NotEqual(new(BodyState.Intact, 77, 123_456, bytes), Body.Read(body, Run));
            body[i] ^= 0x40;
        }
    }

    [Fact]
    public void A_body_in_text_is_one_line_of_letters_and_digits()
    {
        byte[] body = new byte[5_000];
        Body.Write(body, Run, author: 1, number: 2, isText: true);
        Assert.All(body, value => Assert.True(char.IsAsciiLetterOrDigit((char)value)));
    }

    [Fact]
    public void A_tiny_body_is_known_by_its_length()
    {
        byte[] body = new byte[Body.StampBytes - 1];
        Body.Write(body, Run, author: 1, number: 2, isText: false);
        Assert.Equal(BodyState.Tiny, Body.Read(body, Run).State);
        Assert.Equal(BodyState.Tiny, Body.Read([], Run).State);
        body[5]++;
        Assert.Equal(BodyState.Changed, Body.Read(body, Run).State);
    }
}
