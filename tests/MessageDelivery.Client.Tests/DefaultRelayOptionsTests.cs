using MessageDelivery.Protocol;

namespace MessageDelivery.Client.Tests;

/// <summary>How relays are carried out whose call does not say.</summary>
public sealed class DefaultRelayOptionsTests
{
    [Fact]
    public async Task A_call_that_does_not_say_takes_the_default_and_one_that_does_takes_its_own()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { DefaultRelayOptions = RelayOptions.BestEffort | RelayOptions.Confirm });
        await using (client)
        {
            await client.RelayAsync(2, "a"u8.ToArray()).Soon();
            await client.RelayAsync(new ulong[] { 2, 3 }, "b"u8.ToArray()).Soon();
            await client.RelayAsync(2, "c"u8.ToArray(), RelayOptions.None).Soon();
            Task<Receipt> byDefault = client.RelayWithReceiptAsync(2, "d"u8.ToArray()).AsTask();
            Task<Receipt> own = client.RelayWithReceiptAsync(2, "e"u8.ToArray(), RelayOptions.None).AsTask();

            // CONFIRM is for those with a receipt.
            var relays = new List<ReceivedFrame>();
            foreach (RelayFlags expected in (RelayFlags[])[RelayFlags.BestEffort, RelayFlags.BestEffort, 0, RelayFlags.All, RelayFlags.Receipt])
            {
                relays.Add(await peer.ExpectAsync(FrameType.Relay));
                Assert.Equal(expected, (RelayFlags)relays[^1].Header.Flags);
            }

            await peer.SendAsync(Frames.Receipt(relays[3].U64(), Outcome.Accepted), Frames.Receipt(relays[4].U64(), Outcome.Accepted));
            await byDefault.Soon();
            await own.Soon();
            await Assert.ThrowsAsync<ArgumentException>(() => client.RelayAsync(2, "f"u8.ToArray(), RelayOptions.Confirm).AsTask());
        }
    }

    [Fact]
    public async Task A_default_that_there_is_not_is_refused()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => HubClient.ConnectAsync(new HubClientOptions { DefaultRelayOptions = (RelayOptions)9 }).AsTask());
        Assert.Contains("DefaultRelayOptions is 9; it must be", error.Message, StringComparison.Ordinal);
    }
}
