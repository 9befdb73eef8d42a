using System.Text;
using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What looks like an option and is none is an error; behind <c>--</c> it is text.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class UnknownOptionTests(VerbTests.SharedHub shared) : IClassFixture<VerbTests.SharedHub>
{
    private const string Behind = "What begins with a hyphen and is no option goes behind '--'.";

    private HubProcess Hub => shared.Hub;

    [Theory]
    [InlineData($"unknown option '--jsno'; did you mean '--json'? {Behind} Try 'mds relay --help'.", "relay", "--to", "1", "--jsno", "hi")]
    [InlineData($"unknown option '--jsno'; did you mean '--json'? {Behind} Try 'mds relay --help'.", "relay", "--to", "1", "hi", "--jsno=true")]
    [InlineData($"unknown option '-json'; did you mean '--json'? {Behind} Try 'mds echo --help'.", "echo", "-json", "hi")]
    [InlineData($"unknown option '--best'; did you mean '--best-effort'? {Behind} Try 'mds relay --help'.", "relay", "--to", "1", "--best", "hi")]
    [InlineData($"unknown option '--colour'. {Behind} Try 'mds echo --help'.", "echo", "hi", "--colour")]
    [InlineData($"unknown option '-5x'. {Behind} Try 'mds echo --help'.", "echo", "-5x")]
    [InlineData($"unknown option '-->'. {Behind} Try 'mds echo --help'.", "echo", "-->", "there")]
    [InlineData("unknown option '--no-resumme'; did you mean '--no-resume'? Try 'mds chat --help'.", "chat", "--no-resumme")]
    [InlineData("unknown option '--jsno'; did you mean '--json'? Try 'mds listen --help'.", "listen", "--jsno")]
    [InlineData("unknown option '--jsno'; did you mean '--json'? Try 'mds identity --help'.", "identity", "--jsno")]
    [InlineData("unknown option '--wacht'; did you mean '--watch'? Try 'mds list --help'.", "list", "--wacht")]
    [InlineData("unknown option '--prot'; did you mean '--port'? Try 'mds serve --help'.", "serve", "--prot", "1234")]
    [InlineData("unknown option '--prot'; did you mean '--port'? Try 'mds check-config --help'.", "check-config", "--prot", "1234")]
    [InlineData($"unknown option '--jsno'; did you mean '--json'? {Behind} Try 'mds doctor --help'.", "doctor", "--jsno")]
    [InlineData($"unknown option '--olny'; did you mean '--only'? {Behind} Try 'mds attack --help'.", "attack", "--olny", "http", "127.0.0.1:1")]
    [InlineData("unknown option '--user'; did you mean '--users'? Try 'mds bench pairs --help'.", "bench", "pairs", "--user", "2")]
    [InlineData($"unknown option '--fiel'; did you mean '--file'? {Behind} Try 'mds token add --help'.", "token", "add", "--fiel", "x", "alice")]
    [InlineData("unknown option '--version'. Try 'mds identity --help'.", "identity", "--version")]
    [InlineData("unknown option '--jsno'; did you mean '--json'? As the value of --hub it is written --hub=--jsno. Try 'mds list --help'.", "list", "--hub", "--jsno")]
    [InlineData("unknown option '-5d'. As the value of --expires it is written --expires=-5d. Try 'mds token add --help'.", "token", "add", "x", "--file", "y", "--expires", "-5d")]
    public async Task What_looks_like_an_option_and_is_none_is_named_with_the_nearest(string error, params string[] arguments)
    {
        var result = await MdsProcess.RunAsync(arguments);
        Assert.Equal(((int)ExitCode.Usage, $"mds: {error}\n", ""), (result.ExitCode, result.Error, result.Text));
    }

    [Theory]
    [InlineData("--jsno hi", "--", "--jsno", "hi")]
    [InlineData("hi --json -- --help", "hi", "--", "--json", "--", "--help")]
    [InlineData("-", "-")]
    [InlineData("-5", "-5")]
    [InlineData("-5.5 degrees", "-5.5", "degrees")]
    [InlineData("- buy milk", "-", "buy", "milk")]
    [InlineData("- buy milk", "- buy milk")]
    [InlineData("/h /?", "/h", "/?")]
    [InlineData("@file [suggest] true", "@file", "[suggest]", "true")]
    public async Task What_is_text_is_sent(string text, params string[] arguments)
    {
        var echoed = await Hub.RunAsync(["echo", .. arguments]);
        Assert.Equal((0, $"{text}\n", ""), (echoed.ExitCode, echoed.Text, echoed.Error));

        var (listener, id) = await Hub.ListenAsync("--count", "1");
        await using (listener)
        {
            var sent = await Hub.RunAsync(["relay", "--to", id, .. arguments]);
            Assert.Equal((0, $"{id}: accepted\n", ""), (sent.ExitCode, sent.Text, sent.Error));
            Assert.EndsWith($": {text}\n", (await listener.EndAsync()).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_switch_takes_no_word_of_the_text()
    {
        var (listener, id) = await Hub.ListenAsync("--count", "1");
        await using (listener)
        {
            Assert.Equal(0, (await Hub.RunAsync("relay", "--to", id, "--json", "true")).ExitCode);
            Assert.EndsWith(": true\n", (await listener.EndAsync()).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_a_person_types_is_never_an_option()
    {
        var (listener, id) = await Hub.ListenAsync("--count", "3");
        await using (listener)
        {
            var chat = await Hub.RunAsync(["chat"], Encoding.UTF8.GetBytes($"/to {id}\n--jsno hi\n--help\n-\n/quit\n"));
            Assert.Equal((0, ""), (chat.ExitCode, chat.Error));
            Assert.Matches(@"\A(\d+): --jsno hi\n\1: --help\n\1: -\n\z", (await listener.EndAsync()).Text);
        }
    }
}
