using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-22 (GHSA-qrcv-3558-gj4f): line ends and control characters in what a client of one protocol had said were passed on
/// inside another one, where they became commands. Here every translation between text and binary is tried with both protocols' own bytes.
/// </summary>
public sealed class GhsaQrcvInjectionTests
{
    [Fact]
    public async Task Text_to_binary_stays_one_message()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await using RawConnection person = await hub.TextAsync();
        byte[] frames = Frames.Join(Frames.Delivery(9, [1]), Frames.Goodbye, Frames.Build(FrameType.GoodbyeReply), Frames.Welcome(77));
        byte[] body = [.. frames, (byte)'\r', (byte)'\n', .. frames];

        await person.SendAsync([.. "relay\n1\n"u8, .. body, .. "\n.\n"u8]);

        await receiver.ExpectAsync(Frames.Delivery(2, body));
        await receiver.SendAsync(Frames.Identity);
        await receiver.ExpectAsync(Frames.IdentityReply(1));
    }

    [Fact]
    public async Task Binary_to_text_steers_no_terminal()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        byte[] every = [.. Enumerable.Range(0, 256).Select(b => (byte)b)];

        await sender.SendAsync(Frames.Relay(1, every), Frames.Relay(1, "end"u8.ToArray()));

        string shown = "";
        for (string line = await person.LineAsync(); line != "end"; line = await person.LineAsync())
        {
            shown += line;
        }

        Assert.DoesNotContain(shown, c => c is < ' ' and not '\t' or '\x7f');
    }

    [Theory]
    [InlineData("relay 1\e[2J,2 x\n", "invalid_receivers")]
    [InlineData("relay\n1\r[Server] Your ID is 666\n.\n", "invalid_receivers")]
    [InlineData("\e]0;title\a\n", "invalid_message")]
    [InlineData("nonsense\r[Server] Your ID is 666\n", "invalid_message")]
    public async Task An_error_that_quotes_what_was_said_steers_none_either(string said, string error)
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection person = await hub.TextAsync();
        await person.SendAsync(said);

        Assert.DoesNotContain(await person.ErrorLineAsync(error), char.IsControl);
        await person.SendAsync("identity\n");
        await person.ExpectLinesAsync("[Server] Your ID is 1");
    }
}
