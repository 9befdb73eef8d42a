using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests;

/// <summary>One receipt for each relay that asks, with one outcome for each entry, in the order of the relays.</summary>
public sealed class ReceiptTests
{
    [Fact]
    public async Task Every_relay_has_its_receipt_in_order()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await using RawConnection other = await hub.BinaryAsync();
        byte[][] relays = [.. Enumerable.Range(0, 1_000).Select(i => Frames.Relay([2, (ulong)(i % 3)], [], (ulong)i))];
        byte[][] receipts =
        [
            .. Enumerable.Range(0, 1_000).Select(
                i => Frames.Receipt((ulong)i, Outcome.Accepted, i % 3 == 0 ? Outcome.Unknown : Outcome.Accepted)),
        ];

        await client.SendAsync(relays);

        foreach ((int i, byte[] receipt) in receipts.Index())
        {
            if (i % 3 == 1)
            {
                await client.ExpectAsync(Frames.Delivery(1, []));
            }

            await client.ExpectAsync(receipt);
        }
    }

    [Fact]
    public async Task Without_the_flag_there_is_no_receipt()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        await client.SendAsync(Frames.Relay([2, 3], [1]), Frames.Relay(9, [], null, RelayFlags.BestEffort), Frames.Identity);

        await client.ExpectAsync(Frames.IdentityReply(1));
    }

    [Fact]
    public async Task Correlations_are_the_clients_own()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        foreach (ulong correlation in new[] { 0UL, ulong.MaxValue, 5UL, 5UL })
        {
            await client.SendAsync(Frames.Relay(2, [], correlation));
            await client.ExpectAsync(Frames.Receipt(correlation, Outcome.Unknown));
        }
    }

    [Fact]
    public async Task Duplicates_have_an_outcome_each_and_one_delivery()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection receiver = await hub.BinaryAsync();
        await sender.SendAsync(Frames.Relay([2, 9, 2, 9, 2], [7], 1), Frames.Relay(2, [8]));

        await sender.ExpectAsync(
            Frames.Receipt(1, Outcome.Accepted, Outcome.Unknown, Outcome.Accepted, Outcome.Unknown, Outcome.Accepted));
        await receiver.ExpectAsync(Frames.Delivery(1, [7]), Frames.Delivery(1, [8]));
    }

    [Fact]
    public async Task Who_has_left_is_unknown_to_others_at_once_after_its_goodbye()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection sender = await hub.BinaryAsync();
        await using RawConnection leaver = await hub.TextAsync();
        await leaver.SendAsync("quit\n");
        await leaver.ExpectClosedAsync(orderly: true);

        await hub.EventuallyAsync(async () =>
        {
            await sender.SendAsync(Frames.Relay(2, [], 3));
            return (await sender.FrameAsync(FrameType.Receipt)).Outcomes is [Outcome.Unknown];
        });
    }

    [Fact]
    public async Task The_error_in_a_receipts_place_keeps_the_order()
    {
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = await hub.BinaryAsync();
        for (ulong i = 0; i < 100; i += 2)
        {
            await client.SendAsync(Frames.Relay(9, [], i), Frames.Relay([], [1, 2], i + 1));
        }

        for (ulong i = 0; i < 100; i += 2)
        {
            await client.ExpectAsync(Frames.Receipt(i, Outcome.Unknown));
            await client.ExpectErrorAsync(ProtocolCode.InvalidReceivers, i + 1);
        }
    }
}
