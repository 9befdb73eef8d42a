using System.Buffers;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Protocol.Tests.Text;

public sealed class ServerLinesTests
{
    private readonly ArrayBufferWriter<byte> _output = new(64);

    private string Written => Transcript.Text(_output.WrittenSpan);

    [Fact]
    public void Answers()
    {
        ServerLines.Identity(_output, 1);
        ServerLines.List(_output, []);
        ServerLines.List(_output, [2, 3]);
        ServerLines.MessageFrom(_output, ulong.MaxValue);
        ServerLines.Error(_output, "invalid_message", "what"u8);
        ServerLines.Error(_output, ProtocolCode.AuthFailed, "why"u8);
        Assert.Equal(
            "[Server] Your ID is 1\n[Server] Client IDs are \n[Server] Client IDs are 2, 3\n"
            + "[Server] Message from 18446744073709551615\n[Server] Error: invalid_message: what\n[Server] Error: auth_failed: why\n",
            Written);
    }

    [Fact]
    public void A_list_may_come_in_pieces()
    {
        ServerLines.ListBegins(_output);
        ServerLines.ListIds(_output, [], first: true);
        ServerLines.ListIds(_output, [1, 2], first: true);
        ServerLines.ListIds(_output, [3], first: false);
        ServerLines.ListEnds(_output);
        Assert.Equal("[Server] Client IDs are 1, 2, 3\n", Written);
    }

    [Fact]
    public void Who_was_not_reached_is_grouped_by_why()
    {
        ulong[] receivers = [5, 2, 7, 100500, 5, 3, 9];
        Outcome[] outcomes = [Outcome.Unknown, Outcome.Accepted, Outcome.Full, Outcome.Unknown, Outcome.Full, Outcome.Held, Outcome.Unreachable];
        Assert.True(ServerLines.NotDelivered(_output, receivers, outcomes));
        Assert.True(ServerLines.RelayedTo(_output, receivers, outcomes));
        Assert.Equal("[Server] Not delivered to 5, 100500: unknown; 7: full; 9: unreachable\n[Server] Relayed to 2, 3\n", Written);
    }

    [Fact]
    public void Nothing_is_said_of_nobody()
    {
        Assert.False(ServerLines.NotDelivered(_output, [1, 2, 3], [Outcome.Accepted, Outcome.Held, Outcome.Delivered]));
        Assert.False(ServerLines.RelayedTo(_output, [1, 1], [Outcome.Unknown, Outcome.Unknown]));
        Assert.Equal("", Written);
        Assert.Throws<ArgumentException>(() => ServerLines.RelayedTo(_output, [1], []));
        Assert.Throws<ArgumentException>(() => ServerLines.NotDelivered(_output, [1], []));
    }

    [Fact]
    public void Constant_lines_begin_with_the_hub_s_name_and_end_in_a_line_feed()
    {
        string all = Transcript.Text([.. ServerLines.BodyPrompt, .. ServerLines.Help, .. ServerLines.ShuttingDown]);
        Assert.EndsWith("\n", all, StringComparison.Ordinal);
        string[] lines = all[..^1].Split('\n');
        Assert.All(lines, line => Assert.Matches("^\\[Server\\] [ -~]+$", line));
        Assert.Equal("[Server] Type the body, then a line with only \".\"", lines[0]);
        foreach (string command in new[] { "identity", "list", "echo", "relay", "auth", "verbose", "help", "quit" })
        {
            Assert.Contains(lines, line => line.StartsWith($"[Server] {command}", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Lines_allocate_nothing()
    {
        ulong[] receivers = [1, 2];
        Outcome[] outcomes = [Outcome.Unknown, Outcome.Accepted];
        var output = new ArrayBufferWriter<byte>(4_096);

        Assert.Equal(0, Allocations.MinOf(() =>
        {
            output.ResetWrittenCount();
            ServerLines.Identity(output, 1);
            ServerLines.List(output, receivers);
            ServerLines.NotDelivered(output, receivers, outcomes);
            ServerLines.RelayedTo(output, receivers, outcomes);
            ServerLines.Error(output, ProtocolCode.InvalidReceivers, "x"u8);
        }));
    }
}
