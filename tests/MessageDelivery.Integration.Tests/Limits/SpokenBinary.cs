using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>Frames.</summary>
internal sealed class SpokenBinary : SpokenProtocol
{
    public override string Name => "binary";

    public override byte[] FirstWords => Frames.Hello();

    public override byte[] UnfinishedFirstBytes => Frames.Hello()[..5];

    public override byte[] List => Frames.List;

    public override byte[] Wrong => Frames.Build((FrameType)0x55);

    public override async Task<RawConnection> JoinAsync(RunningHub hub) => await (await ConnectAsync(hub)).HelloAsync();

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

    public override async Task ExpectEndAsync(RawConnection peer, ProtocolCode code)
    {
        await peer.ExpectGoodbyeAsync(code);
        await peer.ExpectClosedAsync();
    }
}
