using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>Frames in the messages of a WebSocket; the hub's close says the same as its GOODBYE.</summary>
internal sealed class SpokenWebSocket : SpokenBinary
{
    public override string Words => "websocket";

    public override async Task ExpectEndAsync(RawConnection peer, ProtocolCode code, string text = "")
    {
        await base.ExpectEndAsync(peer, code, text);
        Assert.Equal(4000 + (int)code, peer.WebSocket.CloseCode);
    }

    public override Task ExpectEndOfSilentAsync(RawConnection peer, ProtocolCode code, string text) => ExpectEndAsync(peer, code, text);

    public override async Task ExpectFarewellAsync(RawConnection peer)
    {
        await base.ExpectFarewellAsync(peer);
        Assert.Equal(1000, peer.WebSocket.CloseCode);
    }

    protected override Task<RawConnection> BeginAsync(RawConnection connection) => connection.UpgradeAsync();
}
