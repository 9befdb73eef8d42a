using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What <c>mds listen</c> and <c>mds chat</c> show of a message: whose each line is.</summary>
public sealed class DisplayTextTests
{
    [Theory]
    [InlineData("one\ntwo\r\n", "7: one\n7| two\n")]
    [InlineData("x\u20288: y\u20299: z", "7: x\n7| 8: y\n7| 9: z\n")]
    [InlineData("x\r8: y\u00859: z", "7: x\\x0d8: y\\xc2\\x859: z\n")]
    [InlineData("\u202e\n\u202dy", "7: \\xe2\\x80\\xae\n7| \\xe2\\x80\\xady\n")]
    [InlineData("👩\u200d💻 \u200fשלום", "7: 👩\u200d💻 \u200fשלום\n")]
    public void Each_line_has_its_sender(string body, string shown) =>
        Assert.Equal(shown, DisplayText.OfDelivery(7, System.Text.Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Words_of_others_are_one_line_that_hides_nothing() =>
        Assert.Equal(@"a b\x1b[2J \xe2\x80\x8bc é", OneLine.Of("a\nb\u001b[2J\u2028\u200bc é"));
}
