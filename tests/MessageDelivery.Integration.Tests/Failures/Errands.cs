using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;
using Xunit.Sdk;

namespace MessageDelivery.Integration.Tests.Failures;

/// <summary>
/// What users do while something that was given to the hub fails: together it makes the hub call all of it. Alice and Bob were there
/// before, and must not notice.
/// </summary>
internal sealed class Errands(RunningHub hub, RawConnection alice, RawConnection bob, bool isGuarded)
{
    /// <summary>Every user must come through.</summary>
    public async Task RunAsync()
    {
        foreach (var errand in All)
        {
            await errand();
        }
    }

    /// <summary>Users may be refused or cut off, but not be left without an end or an answer.</summary>
    public async Task TryAsync()
    {
        foreach (var errand in All)
        {
            try
            {
                await errand();
            }
            catch (XunitException failure) when (!failure.Message.Contains("nothing came", StringComparison.Ordinal))
            {
                // It was cut off. That it came to an end, one way or another, is all that is asked for.
            }
        }
    }

    /// <summary>Alice and Bob talk, somebody new comes, and nobody is left of those who went.</summary>
    public async Task ExpectHealthyAsync()
    {
        byte[] body = Frames.Pattern(100_000);
        await alice.SendAsync(Frames.Relay(bob.UserId, body, 5));
        await bob.ExpectAsync(Frames.Delivery(alice.UserId, body));
        await alice.ExpectAsync(Frames.Receipt(5, Outcome.Accepted));
        await using (RawConnection late = isGuarded ? (await hub.EnterAsync("bob")).User : await hub.BinaryAsync())
        {
            await late.SendAsync(Frames.Echo(body));
            await late.ExpectAsync(Frames.EchoReply(body));
        }

        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(alice)).SequenceEqual([bob.UserId]), TimeSpan.FromSeconds(1));
    }

    private IEnumerable<Func<Task>> All => [PersonAsync, BrokenAsync, WandererAsync, TakenOverAsync];

    private async Task PersonAsync()
    {
        await using RawConnection person = isGuarded ? await hub.TextAsync("carol") : await hub.TextAsync();
        await person.SendAsync($"relay {bob.UserId}\nhello\n.\necho done\n");
        Assert.Equal("done", await person.LineAsync());
        await bob.FrameAsync(FrameType.Delivery);
        await person.SendAsync("quit\n");
        await person.ReadToEndAsync();
    }

    private async Task BrokenAsync()
    {
        await using RawConnection broken = await hub.ConnectAsync();
        await broken.SendAsync(Frames.Header(FrameType.Hello, 0, 1, 4), "MDSX"u8.ToArray());
        Assert.NotEmpty(await broken.ReadToEndAsync());
    }

    private async Task WandererAsync()
    {
        byte[] key = await EnterAsync(lose: true);
        byte[] next = await ResumeAsync(key);
        Assert.NotEqual(key, next);
    }

    private async Task TakenOverAsync()
    {
        await using RawConnection first = await hub.ConnectAsync();
        await first.SendAsync(Frames.HelloResumable(Token("dave")));
        byte[] key = (await first.FrameAsync(FrameType.Welcome)).Payload[16..32];
        await ResumeAsync(key);
        await first.ExpectGoodbyeAsync(ProtocolCode.TakenOver);
    }

    private async Task<byte[]> EnterAsync(bool lose)
    {
        await using RawConnection user = await hub.ConnectAsync();
        await user.SendAsync(Frames.HelloResumable(Token("dave")));
        byte[] key = (await user.FrameAsync(FrameType.Welcome)).Payload[16..32];
        if (lose)
        {
            user.Abort();
        }

        return key;
    }

    private async Task<byte[]> ResumeAsync(byte[] key)
    {
        await using RawConnection user = await hub.ConnectAsync();
        await user.SendAsync(Frames.HelloResume(key, 0, token: Token("dave")));
        byte[] next = (await user.FrameAsync(FrameType.Welcome)).Payload[16..32];
        user.Abort();
        return next;
    }

    private string Token(string name) => isGuarded ? name : "";
}
