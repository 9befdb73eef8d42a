using System.Diagnostics;
using System.Globalization;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>Transcripts through the real <c>nc</c> of Debian's netcat-openbsd, the client people have at hand.</summary>
public sealed class NetcatTests
{
    [Fact]
    public async Task Commands_and_a_half_close()
    {
        await using RunningHub hub = await RunningHub.StartAsync();

        string output = await RunAsync(hub, "identity\nlist\necho foo bar\nrelay 1 to myself\nnonsense\n", "-N");

        Assert.Equal(
            ["[Server] Your ID is 1", "[Server] Client IDs are ", "foo bar", "to myself"], output.Split('\n')[..4]);
        Assert.StartsWith("[Server] Error: invalid_message: ", output.Split('\n')[4], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_seeds_example_pasted()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.TextAsync();

        string output = await RunAsync(hub, "relay\n1\nfoo bar\numad?\n", "-N");

        Assert.Equal("", output);
        await receiver.ExpectAsync("foo bar\numad?\n");
    }

    [Fact]
    public async Task A_relay_typed_line_by_line()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.TextAsync();
        using Process nc = Start(hub);
        await TypeAsync(nc, "relay");
        await TypeAsync(nc, "1");
        Assert.Equal("[Server] Type the body, then a line with only \".\"", await ReadLineAsync(nc));
        await TypeAsync(nc, "foo bar");
        await TypeAsync(nc, "umad?");
        await receiver.ExpectNothingAsync();
        await TypeAsync(nc, ".");

        await receiver.ExpectAsync("foo bar\numad?\n");
        await TypeAsync(nc, "quit");
        nc.StandardInput.Close();
        await nc.WaitForExitAsync().WaitAsync(RawConnection.Patience);
    }

    [Fact]
    public async Task The_seeds_way_in_one_write_without_an_end()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        using Process nc = Start(hub);
        await nc.StandardInput.WriteAsync("relay\n1\nfoo bar\numad?");
        await nc.StandardInput.FlushAsync();

        await hub.AdvanceUntilAsync(
            receiver.ExpectAsync(Frames.Delivery(2, "foo bar\numad?"u8.ToArray())), TimeSpan.FromSeconds(1));
        await TypeAsync(nc, "identity");
        Assert.Equal("[Server] Sent after a pause of 1 s; a line with only \".\" ends a body at once", await ReadLineAsync(nc));
        Assert.Equal("[Server] Your ID is 2", await ReadLineAsync(nc));
        nc.Kill();
    }

    [Fact]
    public async Task A_sender_that_stalls_is_told_and_its_rest_is_not_carried_out()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        using Process nc = Start(hub);
        await nc.StandardInput.WriteAsync("relay\n1\nfoo bar\nrelay 1 ");
        await nc.StandardInput.FlushAsync();
        await hub.AdvanceUntilAsync(
            receiver.ExpectAsync(Frames.Delivery(2, "foo bar\nrelay 1 "u8.ToArray())), TimeSpan.FromSeconds(1));
        Assert.Equal("[Server] Sent after a pause of 1 s; a line with only \".\" ends a body at once", await ReadLineAsync(nc));

        await nc.StandardInput.WriteAsync("oops\nrelay 1 evil\n.\nidentity\n");
        await nc.StandardInput.FlushAsync();

        Assert.StartsWith("[Server] Error: invalid_message: \"oops\" ", await ReadLineAsync(nc), StringComparison.Ordinal);
        Assert.Equal("[Server] Your ID is 2", await ReadLineAsync(nc));
        await receiver.ExpectNothingAsync();
        nc.Kill();
    }

    [Fact]
    public async Task A_person_who_only_listens()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        using Process nc = Start(hub);
        await hub.EventuallyAsync(async () => await RunningHub.ListAsync(sender) is [2], TimeSpan.FromSeconds(1));
        await sender.SendAsync(Frames.Relay(2, "hello\u001b[2J"u8.ToArray()));

        Assert.Equal("hello\\x1b[2J", await ReadLineAsync(nc));
        await TypeAsync(nc, "relay 1 and hello to you");
        await sender.ExpectAsync(Frames.Delivery(2, "and hello to you"u8.ToArray()));
        nc.Kill();
    }

    [Fact]
    public async Task Windows_line_ends()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();

        string output = await RunAsync(hub, "identity\nrelay\n1\nfoo\n.\n", "-N", "-C");

        // With -C, nc writes each line by itself, so that the body may come with the line of ids or after it.
        Assert.Equal("[Server] Your ID is 2\n", output.Replace("[Server] Type the body, then a line with only \".\"\n", "", StringComparison.Ordinal));

        await receiver.ExpectAsync(Frames.Delivery(2, "foo"u8.ToArray()));
    }

    [Fact]
    public async Task A_megabyte_through_a_pipe()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        string line = new('x', 1023);
        string body = string.Join('\n', Enumerable.Repeat(line, 1024));

        string output = await RunAsync(hub, "relay\n1\n" + body + "\n.\n", "-N");

        Assert.Equal(body + "\n", output);
    }

    private static Process Start(RunningHub hub, params string[] options)
    {
        var start = new ProcessStartInfo("nc")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (string argument in (string[])[.. options, "127.0.0.1", hub.Endpoint.Port.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    // With -N nc half-closes when its input ends, and ends when the hub closes.
    private static async Task<string> RunAsync(RunningHub hub, string input, params string[] options)
    {
        using Process nc = Start(hub, options);
        Task<string> output = nc.StandardOutput.ReadToEndAsync();
        await nc.StandardInput.WriteAsync(input).WaitAsync(RawConnection.Patience);
        nc.StandardInput.Close();
        await nc.WaitForExitAsync().WaitAsync(RawConnection.Patience);
        return await output;
    }

    private static async Task TypeAsync(Process nc, string line)
    {
        await nc.StandardInput.WriteLineAsync(line);
        await nc.StandardInput.FlushAsync();
        await Task.Delay(20);
    }

    private static async Task<string?> ReadLineAsync(Process nc) =>
        await nc.StandardOutput.ReadLineAsync().WaitAsync(RawConnection.Patience);
}
