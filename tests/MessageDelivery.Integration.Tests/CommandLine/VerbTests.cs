using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The client verbs as processes, against a hub that is one.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class VerbTests(VerbTests.SharedHub shared) : IClassFixture<VerbTests.SharedHub>
{
    private HubProcess Hub => shared.Hub;

    /// <summary>One hub for all of these tests; each is a user of its own.</summary>
    public sealed class SharedHub : IAsyncLifetime
    {
        private HubProcess? _hub;

        internal HubProcess Hub => _hub ?? throw new InvalidOperationException();

        public async ValueTask InitializeAsync() => _hub = await HubProcess.StartAsync();

        public ValueTask DisposeAsync() => Hub.DisposeAsync();
    }

    [Fact]
    public async Task Identity_prints_an_id()
    {
        var first = await Hub.RunAsync("identity");
        var second = await Hub.RunAsync("identity");
        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        Assert.True(ulong.Parse(second.Text, System.Globalization.CultureInfo.InvariantCulture) > ulong.Parse(first.Text, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task The_environment_names_the_hub()
    {
        var environment = new Dictionary<string, string> { ["MDS_HUB"] = $"{Hub.Endpoint}" };
        Assert.Equal(0, (await MdsProcess.RunAsync(["identity"], [], environment)).ExitCode);
        environment["MDS_HUB"] = "nowhere:0";
        var wrong = await MdsProcess.RunAsync(["identity"], [], environment);
        Assert.Equal((int)ExitCode.Usage, wrong.ExitCode);
        Assert.StartsWith("mds: hub (from MDS_HUB): 'nowhere:0' is not HOST:PORT", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Echo_prints_what_it_was_given()
    {
        Assert.Equal("foo bar\n", (await Hub.RunAsync("echo", "foo", "bar")).Text);
        Assert.Equal("@file -x\n", (await Hub.RunAsync("echo", "@file", "--", "-x")).Text);
        Assert.Equal("\\x1b[2J grüße\n", (await Hub.RunAsync("echo", "\u001b[2J grüße")).Text);
    }

    [Fact]
    public async Task List_prints_others_line_by_line()
    {
        var (first, firstId) = await Hub.ListenAsync();
        var (second, secondId) = await Hub.ListenAsync();
        await using (first)
        await using (second)
        {
            var list = await Hub.RunAsync("list");
            string[] ids = list.Text.Split('\n');
            Assert.Equal(0, list.ExitCode);
            Assert.Contains(firstId, ids);
            Assert.Contains(secondId, ids);
        }
    }

    [Fact]
    public async Task Relay_prints_its_receipt_and_listen_the_message()
    {
        var (listener, id) = await Hub.ListenAsync("--count", "2");
        await using (listener)
        {
            var sent = await Hub.RunAsync("relay", "--to", id, "hello", "wörld");
            Assert.Equal((0, $"{id}: accepted\n", ""), (sent.ExitCode, sent.Text, sent.Error));
            var partly = await Hub.RunAsync(["relay", "--to", $"{id},9007199254740991", "--to", "0"], "two\nlines \u001b[2J\n"u8.ToArray());
            Assert.Equal((int)ExitCode.NotDelivered, partly.ExitCode);
            Assert.Equal($"{id}: accepted\n9007199254740991: unknown\n0: unknown\n", partly.Text);

            var heard = await listener.EndAsync();
            Assert.Equal(0, heard.ExitCode);
            Assert.Matches(@"\A\d+: hello wörld\n(\d+): two\n\1\| lines \\x1b\[2J\n\z", heard.Text);
        }
    }

    [Fact]
    public async Task Relay_prints_its_receipt_as_json()
    {
        var (listener, id) = await Hub.ListenAsync();
        await using (listener)
        {
            var sent = await Hub.RunAsync("relay", "--json", "--best-effort", "--to", $"{id},9007199254740991", "hello");
            Assert.Equal($$"""{"receipt":[{"receiver":{{id}},"outcome":"accepted"},{"receiver":9007199254740991,"outcome":"unknown"}]}""" + "\n", sent.Text);
        }
    }

    [Fact]
    public async Task A_mebibyte_goes_through_standard_input_and_a_file_byte_for_byte()
    {
        byte[] body = new byte[1 << 20];
        new Random(1).NextBytes(body);
        string file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, body);
        try
        {
            var (listener, id) = await Hub.ListenAsync("--raw", "--count", "2");
            await using (listener)
            {
                Assert.Equal(0, (await Hub.RunAsync(["relay", "--to", id], body)).ExitCode);
                Assert.Equal(0, (await Hub.RunAsync("relay", "--to", id, "--file", file)).ExitCode);
                byte[] heard = (await listener.EndAsync()).Output;
                Assert.Equal([.. body, .. body], heard);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task An_empty_body_is_a_message()
    {
        var (listener, id) = await Hub.ListenAsync("--json", "--count", "1");
        await using (listener)
        {
            Assert.Equal(0, (await Hub.RunAsync("relay", "--to", id)).ExitCode);
            Assert.EndsWith(",\"body\":\"\"}\n", (await listener.EndAsync()).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Listen_prints_json_with_base64_for_what_is_no_text()
    {
        var (listener, id) = await Hub.ListenAsync("--json", "--count", "2");
        await using (listener)
        {
            byte[] binary = [0, 0xff, 0x1b];
            await Hub.RunAsync(["relay", "--to", id], binary);
            await Hub.RunAsync("relay", "--to", id, "line\nbreak \u009b grüße 🎉");
            string[] lines = (await listener.EndAsync()).Text.Split('\n');
            Assert.Equal(3, lines.Length);
            Assert.DoesNotContain("\u009b", lines[1], StringComparison.Ordinal);
            using var first = JsonDocument.Parse(lines[0]);
            using var second = JsonDocument.Parse(lines[1]);
            Assert.Equal(binary, first.RootElement.GetProperty("base64").GetBytesFromBase64());
            Assert.Equal("line\nbreak \u009b grüße 🎉", second.RootElement.GetProperty("body").GetString());
        }
    }

    [Theory]
    [InlineData(MdsProcess.SigInt)]
    [InlineData(MdsProcess.SigTerm)]
    public async Task A_signal_ends_listen(int signal)
    {
        var (endless, _) = await Hub.ListenAsync();
        await using (endless)
        {
            endless.Signal(signal);
            Assert.Equal(0, (await endless.EndAsync()).ExitCode);
        }

        var (counting, _) = await Hub.ListenAsync("--count", "1");
        await using (counting)
        {
            counting.Signal(signal);
            Assert.Equal((int)ExitCode.Interrupted, (await counting.EndAsync()).ExitCode);
        }
    }

    [Fact]
    public async Task A_hub_that_stops_ends_listen_with_the_reason()
    {
        await using var hub = await HubProcess.StartAsync();
        var (listener, _) = await hub.ListenAsync("--no-reconnect");
        await using (listener)
        {
            hub.Mds.Signal(MdsProcess.SigTerm);
            var ended = await listener.EndAsync();
            Assert.Equal((int)ExitCode.ConnectionFailed, ended.ExitCode);
            Assert.Contains("mds: shutting_down", ended.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_full_hub_refuses_with_its_own_exit_code()
    {
        await using var hub = await HubProcess.StartAsync("--max-connections", "1");
        var (listener, _) = await hub.ListenAsync();
        await using (listener)
        {
            var refused = await hub.RunAsync("identity");
            Assert.Equal((int)ExitCode.Refused, refused.ExitCode);
            Assert.StartsWith("mds: the hub refused: too_many_connections", refused.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("list")]
    [InlineData("echo", "x")]
    [InlineData("relay", "--to", "1", "x")]
    [InlineData("listen")]
    [InlineData("chat")]
    [InlineData("bench", "rtt")]
    public async Task No_hub_is_one_line_and_exit_code_3(params string[] verb)
    {
        var result = await MdsProcess.RunAsync([.. verb, "--hub", "127.0.0.1:1"]);
        Assert.Equal((int)ExitCode.ConnectionFailed, result.ExitCode);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.Equal("mds: no connection to 127.0.0.1:1: Connection refused: no hub is running there; --hub HOST:PORT names another\n", result.Error);
    }

    [Theory]
    [InlineData("mds: '3x' is not a user id; receivers are written 2,3", "relay", "--to", "2,3x", "x")]
    [InlineData("mds: '' is not a user id", "relay", "--to", "2,", "x")]
    [InlineData("mds: '-1' is not a user id", "relay", "--to=-1", "x")]
    [InlineData("mds: Option '--to' is required", "relay", "x")]
    [InlineData("mds: TEXT and --file exclude each other", "relay", "--to", "2", "--file", "f", "x")]
    [InlineData("mds: --json and --raw exclude each other", "listen", "--json", "--raw")]
    [InlineData("mds: --count is '0': it must be a whole number from 1 to ", "listen", "--count", "0")]
    [InlineData("mds: --count is 'x': it must be a whole number from 1 to ", "listen", "--count", "x")]
    [InlineData("mds: hub (from --hub): 'a:b' is not HOST:PORT", "list", "--hub", "a:b")]
    [InlineData("mds: Required argument missing", "echo")]
    [InlineData("mds: there is no verb 'sing'. Try 'mds --help'.", "sing")]
    [InlineData("mds: unknown option '--cuont'; did you mean '--count'?", "listen", "--cuont", "1")]
    public async Task Wrong_use_is_one_line_and_exit_code_2(string error, params string[] arguments)
    {
        var result = await MdsProcess.RunAsync(arguments);
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.StartsWith(error, result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Too_much_is_said_before_anything_is_sent()
    {
        var tooLong = await Hub.RunAsync(["relay", "--to", "1"], new byte[(1 << 20) + 1]);
        Assert.Equal((int)ExitCode.Usage, tooLong.ExitCode);
        Assert.Equal("mds: standard input has more than 1048576 bytes, the most a body may have\n", tooLong.Error);
        var tooMany = await Hub.RunAsync("relay", "--to", string.Join(',', Enumerable.Range(1, 256)), "x");
        Assert.Equal((int)ExitCode.Usage, tooMany.ExitCode);
        Assert.Equal("mds: 256 receivers; a relay has at most 255\n", tooMany.Error);
    }

    [Fact]
    public async Task A_missing_file_is_one_line_and_its_exit_code()
    {
        var result = await Hub.RunAsync("relay", "--to", "1", "--file", "/nowhere");
        Assert.Equal((int)ExitCode.InputOutput, result.ExitCode);
        Assert.StartsWith("mds: /nowhere cannot be read", result.Error, StringComparison.Ordinal);
        var directory = await Hub.RunAsync("relay", "--to", "1", "--file", "/");
        Assert.Equal(((int)ExitCode.InputOutput, "mds: / cannot be read: it is a directory\n"), (directory.ExitCode, directory.Error));
    }

    [Fact]
    public async Task Listen_ends_when_nobody_reads_what_it_prints()
    {
        await using var listener = Hub.StartReadingLines("listen");
        string id = await listener.WaitForErrorAsync("listening as user ");
        Assert.Equal(0, (await Hub.RunAsync("relay", "--to", id, "read")).ExitCode);
        Assert.EndsWith(": read", await listener.ReadLineAsync(), StringComparison.Ordinal);
        listener.CloseOutput();
        Assert.Equal(0, (await Hub.RunAsync("relay", "--to", id, "not read")).ExitCode);
        var ended = await listener.EndAsync();
        Assert.Equal((int)ExitCode.InputOutput, ended.ExitCode);
        Assert.EndsWith("mds: standard input or output: Broken pipe\n", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_works_without_a_terminal()
    {
        var (listener, id) = await Hub.ListenAsync("--count", "2");
        await using (listener)
        {
            var chat = await Hub.RunAsync(["chat"], Encoding.UTF8.GetBytes($"/to {id}\nhello\n//slash\n/to 9007199254740991\nnobody\n/sing\n/to x\n/quit\nnot sent\n"));
            Assert.Equal((0, ""), (chat.ExitCode, chat.Error));
            Assert.StartsWith("You are ", chat.Text, StringComparison.Ordinal);
            Assert.EndsWith(
                $"""
                You are talking to {id}.
                You are talking to 9007199254740991.
                ! not delivered to 9007199254740991 (unknown)
                ! there is no /sing; /help lists what there is
                ! 'x' is not a user id; receivers are written 2,3

                """,
                ComingsAndGoings().Replace(chat.Text, ""),
                StringComparison.Ordinal);
            Assert.Matches(@"\A(\d+): hello\n\1: /slash\n\z", (await listener.EndAsync()).Text);
        }
    }

    [Fact]
    public async Task Chat_shows_what_arrives()
    {
        await using var chat = Hub.StartReadingLines("chat");
        string welcome = await chat.ReadLineAsync() ?? "";
        Assert.StartsWith("You are ", welcome, StringComparison.Ordinal);
        string id = welcome["You are ".Length..welcome.IndexOf('.', StringComparison.Ordinal)];
        Assert.Equal(0, (await Hub.RunAsync("relay", "--to", id, "one\ntwo")).ExitCode);
        string? first;
        do
        {
            first = await chat.ReadLineAsync();
        }
        while (ComingsAndGoings().IsMatch($"{first}\n"));
        string? second = await chat.ReadLineAsync();
        Assert.EndsWith(": one", first, StringComparison.Ordinal);
        Assert.EndsWith("| two", second, StringComparison.Ordinal);
        Assert.Equal(0, (await chat.EndAsync()).ExitCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task List_goes_on_with_who_comes_and_goes(bool json)
    {
        await using var hub = await HubProcess.StartAsync();
        var (first, firstId) = await hub.ListenAsync();
        await using var _ = first;
        await using var watch = hub.StartReadingLines(["list", "--watch", .. json ? (string[])["--json"] : []]);
        Assert.Equal(json ? $$"""{"users":[{{firstId}}]}""" : firstId, await watch.ReadLineAsync());
        var (second, secondId) = await hub.ListenAsync();
        await using (second)
        {
            Assert.Equal(json ? $$"""{"joined":[{{secondId}}],"left":[]}""" : $"+ {secondId}", await watch.ReadLineAsync());
            second.Signal(MdsProcess.SigInt);
            await second.EndAsync();
        }

        Assert.Equal(json ? $$"""{"joined":[],"left":[{{secondId}}]}""" : $"- {secondId}", await watch.ReadLineAsync());
        watch.Signal(MdsProcess.SigInt);
        Assert.Equal((int)ExitCode.Ok, (await watch.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task A_confirmed_relay_says_who_has_acknowledged_it()
    {
        var (listener, id) = await Hub.ListenAsync("--count", "1");
        await using (listener)
        {
            var relay = await Hub.RunAsync("relay", "--confirm", "--to", $"{id},9007199254740991", "hello");
            Assert.Equal(((int)ExitCode.NotDelivered, $"{id}: delivered\n9007199254740991: unknown\n"), (relay.ExitCode, relay.Text));
            Assert.EndsWith(": hello\n", (await listener.EndAsync()).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Help_and_version_are_for_people()
    {
        var help = await MdsProcess.RunAsync();
        Assert.Equal(0, help.ExitCode);
        Assert.Equal(help.Text, (await MdsProcess.RunAsync("--help")).Text);
        Assert.Equal(help.Text, (await MdsProcess.RunAsync("help")).Text);
        foreach (string verb in (string[])["serve", "identity", "list", "echo", "relay", "listen", "chat", "bench"])
        {
            Assert.Contains($"\n  {verb} ", help.Text, StringComparison.Ordinal);
            var verbHelp = await MdsProcess.RunAsync(verb, "--help");
            Assert.Equal((0, ""), (verbHelp.ExitCode, verbHelp.Error));
            Assert.Contains("Examples:", verbHelp.Text, StringComparison.Ordinal);
            Assert.Equal(verbHelp.Text, (await MdsProcess.RunAsync("help", verb)).Text);
        }

        Assert.All(Enum.GetValues<ExitCode>(), code => Assert.Contains($"\n  {(int)code} ", help.Text, StringComparison.Ordinal));
        Assert.Matches(@"\A\d+\.\d+\.\d+", (await MdsProcess.RunAsync("--version")).Text);
    }

    // Other tests' users of the same hub.
    [GeneratedRegex(@"^\d+(, \d+)* (came|left)\.\n", RegexOptions.Multiline)]
    private static partial Regex ComingsAndGoings();
}
