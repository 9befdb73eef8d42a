using MessageDelivery.Hub.Limits;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Limits;

/// <summary>Lines.</summary>
internal sealed class SpokenText : SpokenProtocol
{
    public override string Words => "text";

    public override byte[] SayWho(string token) => Frames.Utf8(token.Length == 0 ? "identity\n" : $"auth {token}\n");

    // May yet be GET, which no text user says.
    public override byte[] UnfinishedFirstBytes => "GE"u8.ToArray();

    // Empty lines ask for nothing.
    public override byte[] MaxEarlyBytes => EmptyLines(Limit.EarlyBytesIn - "auth \n".Length);

    public override byte[] TooManyEarlyBytes => EmptyLines(Limit.EarlyBytesIn + 1);

    public override byte[] EarlyQuestions => Frames.Utf8(string.Concat(Enumerable.Repeat("help\n", 20)));

    public override string LastOfEarlyAnswers => "auth_required: more than 1024 bytes were to be sent";

    public override byte[] Farewell => "quit\n"u8.ToArray();

    public override byte[] List => "list\n"u8.ToArray();

    public override byte[] Wrong => "lsit\n"u8.ToArray();

    public override Task<RawConnection> EnterAsync(RawConnection connection, string token) => connection.IdentifyAsync(token);

    public override byte[] Echo(string text) => Frames.Utf8($"echo {text}\n");

    public override byte[] Relay(ulong[] receivers, int bytes) =>
        Frames.Join(Frames.Utf8($"relay\n{string.Join(',', receivers)}\n"), Letters(bytes), "\n.\n"u8.ToArray());

    public override async Task BeginRelayAsync(RunningHub hub, RawConnection peer, ulong receiver, int bytes, int sent)
    {
        // A body that comes with its ids and the word in front of them may end by a pause.
        await peer.SendAsync("relay\n");
        await hub.SettleAsync();
        await peer.SendAsync(Frames.Utf8($"{receiver}\n"), Letters(sent));
    }

    public override Task ExpectMessageAsync(RawConnection peer, ulong sender, int bytes) =>
        peer.ExpectAsync(Letters(bytes), "\n"u8.ToArray());

    public override Task ExpectListAsync(RawConnection peer, params ulong[] ids) =>
        peer.ExpectLinesAsync($"[Server] Client IDs are {string.Join(", ", ids)}");

    public override Task ExpectEchoAsync(RawConnection peer, string text) => peer.ExpectLinesAsync(text);

    public override Task ExpectWrongAsync(RawConnection peer) => peer.ErrorLineAsync("invalid_message");

    public override Task ExpectErrorAsync(RawConnection peer, ProtocolCode code) => peer.ErrorLineAsync(code.Name());

    public override async Task ExpectEndAsync(RawConnection peer, ProtocolCode code, string text = "")
    {
        Assert.Contains(text, await peer.ErrorLineAsync(code.Name()), StringComparison.Ordinal);
        await peer.ExpectClosedAsync();
    }

    public override Task ExpectFarewellAsync(RawConnection peer) => peer.ExpectClosedAsync();

    public override Task ExpectTokenWantedAsync(RawConnection peer) => ExpectErrorAsync(peer, ProtocolCode.AuthRequired);

    private static byte[] EmptyLines(int count) => [.. Enumerable.Repeat((byte)'\n', count)];
}
