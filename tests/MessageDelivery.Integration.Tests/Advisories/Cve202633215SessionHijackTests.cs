using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>
/// nats-server 2026-06 (CVE-2026-33215): sessions and messages of somebody else could be had by saying its MQTT client id. Here a session
/// is had by a key of 128 random bits only, and what is known of a user, its id, says nothing of it.
/// </summary>
public sealed class Cve202633215SessionHijackTests
{
    [Fact]
    public async Task No_key_that_can_be_guessed_takes_a_session_over()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using RawConnection other = await hub.BinaryAsync();
        await using ResumingPeer victim = await hub.ResumingAsync();
        await using ResumingPeer mine = await hub.ResumingAsync();
        byte[] id = Frames.Number(victim.UserId);
        List<byte[]> guesses = [new byte[16], Enumerable.Repeat((byte)0xFF, 16).ToArray(), [.. id, .. id], [.. id, .. new byte[8]], [.. new byte[8], .. id]];

        // One bit beside the victim's key, and the attacker's own key with parts of it.
        guesses.AddRange(Enumerable.Range(0, 128).Select(bit => Flipped(victim.Key, bit)));
        guesses.AddRange(Enumerable.Range(1, 15).Select(known => (byte[])[.. victim.Key[..known], .. mine.Key[known..]]));
        guesses.Add([.. Enumerable.Reverse(victim.Key)]);
        // Keys that begin alike make one of the guesses a key that somebody may use.
        foreach (byte[] guess in guesses.Where(guess => !guess.AsSpan().SequenceEqual(victim.Key) && !guess.AsSpan().SequenceEqual(mine.Key)))
        {
            await using RawConnection attacker = await hub.ConnectAsync();
            await attacker.SendAsync(Frames.HelloResume(guess, 0));
            Frame welcome = await attacker.FrameAsync(FrameType.Welcome);

            Assert.Equal(1, welcome.Flags);
            Assert.NotEqual(victim.UserId, welcome.Number(0));
            Assert.NotEqual(mine.UserId, welcome.Number(0));
        }

        await other.SendAsync(Frames.Relay(victim.UserId, "secret"u8.ToArray(), 1));
        await victim.ExpectAsync(Frames.Delivery(other.UserId, "secret"u8.ToArray()));
    }

    [Fact]
    public async Task A_key_that_is_too_short_or_too_long_is_none()
    {
        await using RunningHub hub = await RunningHub.StartAsync(o => o with { Heartbeat = TimeSpan.Zero });
        await using ResumingPeer victim = await hub.ResumingAsync();
        foreach (byte[] payload in (byte[][])[[], victim.Key[..15], victim.Key, [.. victim.Key, 0, 0, 0]])
        {
            await using RawConnection attacker = await hub.ConnectAsync();
            await attacker.SendAsync(Frames.Build(FrameType.Hello, 2, 1, "MDS1"u8.ToArray(), payload));

            await attacker.ExpectGoodbyeAsync(ProtocolCode.ProtocolError);
            await attacker.ExpectClosedAsync();
        }

        await victim.ExpectNothingBeforeAnEchoAsync();
    }

    private static byte[] Flipped(byte[] key, int bit)
    {
        byte[] flipped = [.. key];
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        return flipped;
    }
}
