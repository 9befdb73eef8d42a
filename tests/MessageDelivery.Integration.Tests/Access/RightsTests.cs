using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>What a token lets somebody do, whom it reaches, and what it shows.</summary>
public sealed class RightsTests : IDisposable
{
    private readonly Tokens _tokens = new();

    public void Dispose() => _tokens.Dispose();

    [Fact]
    public async Task Who_may_not_send_is_told_so_and_goes_on()
    {
        string mute = _tokens.Add("mute", entry => entry with { Send = false });
        await using var hub = await _tokens.StartHubAsync();
        var (binary, _) = await hub.EnterAsync(mute);
        await using var program = binary;
        byte[] large = Frames.Pattern(200_000);
        await program.SendAsync(Frames.Relay(1, [1]), Frames.Relay([1, 2], [1], correlation: 5), Frames.Relay(1, large), Frames.Relay(1, large, 6), Frames.Identity);
        await program.ExpectErrorAsync(ProtocolCode.NotAllowed);
        await program.ExpectErrorAsync(ProtocolCode.NotAllowed, 5);
        await program.ExpectErrorAsync(ProtocolCode.NotAllowed);
        await program.ExpectErrorAsync(ProtocolCode.NotAllowed, 6);
        await program.ExpectAsync(Frames.IdentityReply(1));

        await using var person = await hub.TextAsync(mute);
        await person.SendAsync("relay 1 hi\n");
        Assert.EndsWith("this token may not send", await person.ErrorLineAsync("not_allowed"), StringComparison.Ordinal);
        await person.SendAsync("relay\n1\n");
        Assert.EndsWith("all up to a line with only \".\" is thrown away", await person.ErrorLineAsync("not_allowed"), StringComparison.Ordinal);
        await person.SendAsync("identity\nlist\n.\nidentity\n");
        await person.ExpectLinesAsync("[Server] Your ID is 2");
        await program.ExpectNothingAsync();
    }

    [Fact]
    public async Task A_refused_relay_of_a_resumable_session_counts_as_processed()
    {
        string mute = _tokens.Add("mute", entry => entry with { Send = false });
        await using var hub = await _tokens.StartHubAsync();
        var (user, _, key) = await hub.EnterResumableAsync(mute);
        await user.SendAsync(Frames.Relay(1, [1]), Frames.Relay(1, [2], correlation: 1));
        await user.ExpectErrorAsync(ProtocolCode.NotAllowed);
        await user.ExpectErrorAsync(ProtocolCode.NotAllowed, 1);
        user.Abort();
        await using var again = await hub.ConnectAsync();
        await again.SendAsync(Frames.HelloResume(key, 1, token: mute));
        Frame welcome = await again.FrameAsync(FrameType.Welcome);
        Assert.Equal((byte)(WelcomeFlags.Resumable | WelcomeFlags.Resumed), welcome.Flags);
        Assert.Equal(2UL, BitConverter.ToUInt64(welcome.Payload, 32));
        await again.SendAsync(Frames.Relay(1, [1], correlation: 2));
        await again.ExpectErrorAsync(ProtocolCode.NotAllowed, 2);
    }

    [Fact]
    public async Task Who_may_not_list_may_not_watch_either()
    {
        string blind = _tokens.Add("blind", entry => entry with { List = false });
        string still = _tokens.Add("still", entry => entry with { Watch = false });
        await using var hub = await _tokens.StartHubAsync();
        var (first, _) = await hub.EnterAsync(blind);
        await using var program = first;
        await program.SendAsync(Frames.List, Watch, Frames.Identity);
        await program.ExpectErrorAsync(ProtocolCode.NotAllowed);
        await program.ExpectErrorAsync(ProtocolCode.NotAllowed);
        await program.ExpectAsync(Frames.IdentityReply(1));

        var (second, _) = await hub.EnterAsync(still);
        await using var other = second;
        await other.SendAsync(Frames.List, Watch);
        await other.ExpectAsync(Frames.ListReply(1));
        await other.ExpectErrorAsync(ProtocolCode.NotAllowed);

        await using var person = await hub.TextAsync(blind);
        await person.SendAsync("list\nidentity\n");
        await person.ErrorLineAsync("not_allowed");
        await person.ExpectLinesAsync("[Server] Your ID is 3");
    }

    [Fact]
    public async Task Who_reaches_its_group_sees_and_reaches_no_other()
    {
        string red = _tokens.Add("red", entry => entry with { Group = "red", Reach = Reach.Group });
        string blue = _tokens.Add("blue", entry => entry with { Group = "blue", Reach = Reach.Group });
        string free = _tokens.Add("free");
        await using var hub = await _tokens.StartHubAsync();
        var (red1, _) = await hub.EnterAsync(red);
        await using var first = red1;
        var (blue2, _) = await hub.EnterAsync(blue);
        await using var second = blue2;
        var (free3, _) = await hub.EnterAsync(free);
        await using var third = free3;
        await using var red4 = await hub.TextAsync(red);

        await RunningHub.ExpectListAsync(red1, 4);
        await RunningHub.ExpectListAsync(blue2);
        await RunningHub.ExpectListAsync(free3, 1, 2, 4);
        await red4.SendAsync("list\nrelay 1,2,3,9 hi\n");
        await red4.ExpectLinesAsync("[Server] Client IDs are 1", "[Server] Not delivered to 2, 3, 9: unknown");
        await red1.ExpectAsync(Frames.Delivery(4, "hi"u8.ToArray()));

        // With flags, without, several in one run, and to itself.
        await red1.SendAsync(Frames.Relay([1, 2, 3, 4], [65], correlation: 1), Frames.Relay(2, [66]), Frames.Relay([2, 4], [67]), Frames.Relay([2, 4], [68]));
        await red1.ExpectAsync(Frames.Delivery(1, [65]), Frames.Receipt(1, Outcome.Accepted, Outcome.Unknown, Outcome.Unknown, Outcome.Accepted));
        await red4.ExpectLinesAsync("A", "C", "D");

        // Reach is the sender's: who reaches everybody reaches them, too.
        await free3.SendAsync(Frames.Relay([1, 2], [69], correlation: 2));
        await free3.ExpectAsync(Frames.Receipt(2, Outcome.Accepted, Outcome.Accepted));
        await blue2.ExpectAsync(Frames.Delivery(3, [69]));
    }

    [Fact]
    public async Task Who_reaches_nobody_sees_nobody()
    {
        string alone = _tokens.Add("alone", entry => entry with { Reach = Reach.None });
        string free = _tokens.Add("free");
        await using var hub = await _tokens.StartHubAsync();
        var (other, _) = await hub.EnterAsync(free);
        await using var first = other;
        var (lonely, _) = await hub.EnterAsync(alone);
        await using var second = lonely;
        await lonely.SendAsync(Frames.List, Watch, Frames.Relay([1, 2], [1], correlation: 1));
        await lonely.ExpectAsync(Frames.ListReply(), Frames.ListReply(), Frames.Receipt(1, Outcome.Unknown, Outcome.Unknown));
        await other.SendAsync(Frames.Relay(2, [5]));
        await lonely.ExpectAsync(Frames.Delivery(1, [5]));
    }

    [Fact]
    public async Task Who_watches_is_told_of_its_group_only()
    {
        string red = _tokens.Add("red", entry => entry with { Group = "red", Reach = Reach.Group });
        string blue = _tokens.Add("blue", entry => entry with { Group = "blue", Reach = Reach.Group });
        await using var hub = await _tokens.StartHubAsync();
        var (red1, _) = await hub.EnterAsync(red);
        await using var first = red1;
        var (blue2, _) = await hub.EnterAsync(blue);
        await using var second = blue2;
        await red1.SendAsync(Watch);
        await red1.ExpectAsync(Frames.ListReply());
        await blue2.SendAsync(Watch);
        await blue2.ExpectAsync(Frames.ListReply());
        var (blue3, _) = await hub.EnterAsync(blue);
        var (red4, _) = await hub.EnterAsync(red);
        await using var fourth = red4;
        await blue3.DisposeAsync();
        var (blue5, _) = await hub.EnterAsync(blue);
        await using var fifth = blue5;

        await hub.AdvanceUntilAsync(red1.ExpectAsync(Presence(1, 4)), TimeSpan.FromMilliseconds(40));
        await hub.AdvanceUntilAsync(JoinedAsync(blue2, 5), TimeSpan.FromMilliseconds(40));
        await hub.PassAsync(TimeSpan.FromSeconds(1));
        await red1.ExpectNothingAsync();
    }

    private static byte[] Watch => Frames.Build(FrameType.List, (byte)ListFlags.Watch);

    private static byte[] Presence(ushort change, params ulong[] ids) => Frames.Build(FrameType.Presence, 0, change, Frames.Numbers(ids));

    /// <summary>Reads presence until this one has come, who must be the last; 4 must not be mentioned.</summary>
    private static async Task JoinedAsync(RawConnection user, ulong last)
    {
        while (true)
        {
            Frame frame = await user.FrameAsync(FrameType.Presence);
            Assert.DoesNotContain(4UL, frame.UserIds);
            if (frame.UserIds.Contains(last))
            {
                return;
            }
        }
    }
}
