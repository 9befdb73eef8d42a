using System.Globalization;
using System.Text.RegularExpressions;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Bench;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What <c>mds bench</c> says of a hub that does not do what it should, and of options that cannot be.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class BenchVerificationTests
{
    private const int Special = 20;

    [Fact]
    public Task A_hub_that_does_nothing_wrong_passes() => ExpectAsync(
        (_, body) => [body], ExitCode.Ok, "verified   count, order and content of every message");

    [Fact]
    public Task A_message_that_is_dropped_is_missing() => ExpectAsync(
        (number, body) => number == Special ? [] : [body],
        ExitCode.NotDelivered,
        "FAILED +1 missing, 1 skipped, 0 repeated or late, 0 damaged, 0 foreign",
        $"got message {Special + 1} of user [12] where {Special} was due");

    [Fact]
    public Task The_last_message_that_is_dropped_is_missing() => ExpectAsync(
        (number, body) => number == 49 ? [] : [body],
        ExitCode.NotDelivered,
        "FAILED +1 missing, 0 skipped, 0 repeated or late, 0 damaged, 0 foreign");

    [Fact]
    public Task A_message_that_comes_twice_is_a_repetition() => ExpectAsync(
        (number, body) => number == Special ? [body, body] : [body],
        ExitCode.NotDelivered,
        "FAILED +0 missing, 0 skipped, 1 repeated or late, 0 damaged, 0 foreign",
        $"got message {Special} of user [12] again or too late, where {Special + 1} was due");

    [Fact]
    public Task Messages_that_change_places_are_out_of_order()
    {
        byte[] held = [];
        return ExpectAsync(
            (number, body) =>
            {
                (byte[] before, held) = (held, number == Special ? body : held);
                return number switch { Special => [], Special + 1 => [body, before], _ => [body] };
            },
            ExitCode.NotDelivered,
            "FAILED +0 missing, 1 skipped, 1 repeated or late, 0 damaged, 0 foreign",
            $"got message {Special + 1} of user [12] where {Special} was due");
    }

    [Fact]
    public Task A_bit_that_flips_is_damage() => ExpectAsync(
        (number, body) =>
        {
            body[77] ^= (byte)(number == Special ? 4 : 0);
            return [body];
        },
        ExitCode.NotDelivered,
        "FAILED +0 missing, 0 skipped, 0 repeated or late, 1 damaged, 0 foreign",
        "got 128 bytes of user [12] that are not what it sent");

    [Fact]
    public Task A_body_cut_short_is_damage() => ExpectAsync(
        (number, body) => [number == Special ? body[..20] : body],
        ExitCode.NotDelivered,
        "FAILED +0 missing, 0 skipped, 0 repeated or late, 1 damaged, 0 foreign",
        "got 20 bytes of user [12] that are not what it sent");

    [Fact]
    public async Task Nothing_is_said_of_it_where_nothing_is_checked()
    {
        await using var hub = new BrokenHub((number, body) => number == Special ? [] : [body]);
        var result = await RunAsync(hub, "--no-verify");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("verified   nothing (--no-verify)", result.Text, StringComparison.Ordinal);
        Assert.Matches(@"sent +50 .*\ndelivered +49 ", result.Text);
    }

    [Fact]
    public async Task A_window_that_lost_all_its_messages_does_not_wait_for_ever()
    {
        await using var hub = new BrokenHub((number, body) => number >= Special ? [] : [body]);
        var result = await RunAsync(hub, "--window", "4");
        Assert.Equal((int)ExitCode.NotDelivered, result.ExitCode);
        // How many were under way when the last one arrived is a matter of chance; a full window is the most.
        int missing = Number(result.Text, @"FAILED +(\d+) missing, 0 skipped, 0 repeated");
        Assert.InRange(missing, 1, 4);
        Assert.Equal(50 - Special - missing, Number(result.Text, @"not sent +(\d+) relays"));
    }

    [Fact]
    public async Task A_relay_that_the_hub_refuses_ends_it()
    {
        await using var hub = new BrokenHub((number, body) => number == Special ? null : [body]);
        var result = await RunAsync(hub);
        Assert.Equal(((int)ExitCode.Refused, "mds: the hub refused: overloaded: no room today\n"), (result.ExitCode, result.Error));
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task The_hubs_own_limit_is_named()
    {
        await using var hub = new BrokenHub((_, body) => [body], maxBody: 100);
        var result = await RunAsync(hub);
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Equal("mds: --size is 128 bytes; this hub takes bodies of at most 100\n", result.Error);
    }

    [Theory]
    [InlineData("--size is '23': it must be from 24 bytes, which number and date each message, to 1048576", "pairs", "--size", "23")]
    [InlineData("--size is '2MiB': it must be from 24 bytes", "pairs", "--size", "2MiB")]
    [InlineData("--size is 'big': a size is written like 64MiB", "pairs", "--size", "big")]
    [InlineData("--users is '0': it must be a whole number from 1 to 50000", "pairs", "--users", "0")]
    [InlineData("--users is '1': it must be a whole number from 2 to 1000", "mesh", "--users", "1")]
    [InlineData("--receivers is '256': it must be a whole number from 1 to 255", "fan-out", "--receivers", "256")]
    [InlineData("--rate is 'fast': it must be a whole number from 0 to 100000000", "pairs", "--rate", "fast")]
    [InlineData("--window is '0': it must be a whole number from 1 to 1000000", "pairs", "--window", "0")]
    [InlineData("--count is '0': it must be a whole number from 1 to 1000000000000", "pairs", "--count", "0")]
    [InlineData("--duration is '10': a time is written like 10s", "pairs", "--duration", "10")]
    [InlineData("--duration is '0': it must be from 1ms to 1d", "pairs", "--duration", "0")]
    [InlineData("--warm-up is '-1s': it must be from 0 to 1d", "pairs", "--warm-up=-1s")]
    [InlineData("--drain is '2d': it must be from 1ms to 1d", "pairs", "--drain", "2d")]
    [InlineData("--rate and --window exclude each other", "pairs", "--rate", "1", "--window", "1")]
    [InlineData("--duration and --count exclude each other", "pairs", "--duration", "1s", "--count", "1")]
    [InlineData("--json and --csv exclude each other. Try 'mds bench pairs --help'.", "pairs", "--json", "--csv")]
    [InlineData("unknown option '--window'", "rtt", "--window=1")]
    [InlineData("unknown option '--receivers'", "fan-in", "--receivers=1")]
    [InlineData("Required command was not provided. Try 'mds bench --help'.")]
    public async Task Options_that_cannot_be_are_one_line_and_exit_code_2(string error, params string[] arguments)
    {
        var result = await MdsProcess.RunAsync(["bench", .. arguments, "--hub", "127.0.0.1:1"]);
        Assert.StartsWith($"mds: {error}", result.Error, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_said_before_anything_is_measured()
    {
        var result = await MdsProcess.RunAsync("bench", "rtt", "--hub", "127.0.0.1:1", "--hgrm", "/nowhere/latency.hgrm");
        Assert.Equal((int)ExitCode.InputOutput, result.ExitCode);
        Assert.StartsWith("mds: /nowhere/latency.hgrm cannot be written", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MessageStamp.Bytes)]
    [InlineData(MessageStamp.Bytes + 1)]
    [InlineData(200)]
    public void Any_bit_of_a_body_that_flips_shows(int bytes)
    {
        var sent = new MessageStamp(DueAt: 1_234_567_890_123, Number: 42, Sender: 3);
        byte[] body = new byte[bytes];
        sent.Write(body);
        Assert.True(MessageStamp.TryRead(body, out var read));
        Assert.Equal(sent, read);
        Assert.True(read.Fills(body));
        for (int bit = 0; bit < bytes * 8; bit++)
        {
            body[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(MessageStamp.TryRead(body, out var changed));
            Assert.False(changed.Fills(body), $"bit {bit}");
            body[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public async Task A_window_wakes_its_sender_however_arrivals_fall()
    {
        const int Relays = 200_000;
        var window = new InFlightWindow(limit: 3, resumeAt: 1);
        using var underWay = new SemaphoreSlim(0);
        var receiver = Task.Run(async () =>
        {
            for (int i = 0; i < Relays; i++)
            {
                await underWay.WaitAsync();
                window.Leave();
            }
        });
        for (int i = 0; i < Relays;)
        {
            if (!window.TryEnter(1))
            {
                await window.WaitAsync().WaitAsync(TimeSpan.FromSeconds(60));
                continue;
            }

            i++;
            underWay.Release();
        }

        await receiver.WaitAsync(TimeSpan.FromSeconds(60));
    }

    private static async Task ExpectAsync(Func<int, byte[], IEnumerable<byte[]>?> deliver, ExitCode exitCode, params string[] texts)
    {
        await using var hub = new BrokenHub(deliver);
        var result = await RunAsync(hub);
        Assert.All(texts, text => Assert.Matches(text, result.Text));
        Assert.Equal(((int)exitCode, ""), (result.ExitCode, result.Error));
    }

    // One user sends 50 messages to another.
    private static Task<MdsResult> RunAsync(BrokenHub hub, params string[] options) => MdsProcess.RunAsync(
        ["bench", "pairs", "--users", "1", "--count", "50", "--warm-up", "0", "--drain", "3s", "--hub", $"{hub.Endpoint}", .. options]);

    private static int Number(string text, string pattern)
    {
        var match = Regex.Match(text, pattern);
        Assert.True(match.Success, $"no {pattern} in {text}");
        return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
    }
}
