using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>Frames.</summary>
internal class SpokenBinary : SpokenProtocol
{
    public override string Words => "binary";

    public override byte[] SayWho(string token) => Frames.Hello(token);

    public override byte[] UnfinishedFirstBytes => Frames.Hello()[..5];

    // Only a HELLO is looked at before somebody is a user.
    public override byte[] MaxEarlyBytes => [];

    public override byte[] TooManyEarlyBytes =>
        Frames.Join([Frames.Hello(), .. Enumerable.Repeat(Frames.Echo(Letters(1_000)), 64)]);

    public override byte[] EarlyQuestions => Frames.Join([.. Enumerable.Repeat(Frames.Hello(), 500), Frames.List]);

    public override string LastOfEarlyAnswers => "this hub lets nobody in without a token";

    public override byte[] Farewell => Frames.Goodbye;

    public override byte[] List => Frames.List;

    public override byte[] Wrong => Frames.Build((FrameType)0x55);

    public override Task<RawConnection> EnterAsync(RawConnection connection, string token) => connection.HelloAsync(token);

    public override byte[] Echo(string text) => Frames.Echo(Frames.Utf8(text));

    public override byte[] Relay(ulong[] receivers, int bytes) => Frames.Relay(receivers, Letters(bytes));

    public override Task BeginRelayAsync(RunningHub hub, RawConnection peer, ulong receiver, int bytes, int sent) =>
        peer.SendAsync(Frames.Relay(receiver, Letters(bytes))[..(16 + sent)]);

    public override Task ExpectMessageAsync(RawConnection peer, ulong sender, int bytes) =>
        peer.ExpectAsync(Frames.Delivery(sender, Letters(bytes)));

    public override Task ExpectListAsync(RawConnection peer, params ulong[] ids) => peer.ExpectAsync(Frames.ListReply(ids));

    public override Task ExpectEchoAsync(RawConnection peer, string text) => peer.ExpectAsync(Frames.EchoReply(Frames.Utf8(text)));

    public override Task ExpectWrongAsync(RawConnection peer) => peer.ExpectErrorAsync(ProtocolCode.Unsupported);

    public override Task ExpectErrorAsync(RawConnection peer, ProtocolCode code) => peer.ExpectErrorAsync(code);

    public override async Task ExpectEndAsync(RawConnection peer, ProtocolCode code, string text = "")
    {
        Assert.Contains(text, await peer.GoodbyeTextAsync(code), StringComparison.Ordinal);
        await peer.ExpectClosedAsync();
    }

    // A stranger has one word, and that was not the right one.
    public override async Task ExpectFarewellAsync(RawConnection peer)
    {
        await peer.ExpectGoodbyeAsync(ProtocolCode.Normal);
        await peer.ExpectClosedAsync();
    }

    public override Task ExpectTokenWantedAsync(RawConnection peer) => ExpectEndAsync(peer, ProtocolCode.AuthRequired);
}
