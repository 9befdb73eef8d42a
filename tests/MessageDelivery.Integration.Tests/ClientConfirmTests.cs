using MessageDelivery.Client;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Integration.Tests;

/// <summary>
/// Confirmations between programs of the client library. The clocks of the hub and of the clients stand still unless a test moves
/// them: what happens then, happens at once.
/// </summary>
public sealed class ClientConfirmTests
{
    private static readonly TimeSpan Patience = RawConnection.Patience;

    [Fact]
    public async Task A_program_that_never_receives_is_never_told_of_as_delivered()
    {
        await using RunningHub hub = await StartAsync();
        await using HubClient sender = await ConnectAsync(hub);
        await using HubClient deaf = await ConnectAsync(hub);
        Task<Receipt> receipt = sender.RelayWithReceiptAsync(deaf.UserId, "x"u8.ToArray(), RelayOptions.Confirm).AsTask();

        // The message is there before this answer is.
        await deaf.GetIdentityAsync().AsTask().WaitAsync(Patience);
        await hub.AdvanceUntilAsync(receipt, TimeSpan.FromSeconds(1));
        Assert.Equal([new(deaf.UserId, Outcome.Accepted)], (await receipt).Entries);
    }

    [Fact]
    public async Task A_program_that_only_sends_has_taken_what_it_discards()
    {
        await using RunningHub hub = await StartAsync();
        await using HubClient sender = await ConnectAsync(hub);
        await using HubClient other = await ConnectAsync(hub, options => options with { DiscardDeliveries = true });
        Receipt receipt = await sender.RelayWithReceiptAsync(other.UserId, "x"u8.ToArray(), RelayOptions.Confirm).AsTask().WaitAsync(Patience);
        Assert.Equal([new(other.UserId, Outcome.Delivered)], receipt.Entries);
    }

    [Fact]
    public async Task A_message_is_confirmed_as_soon_as_it_is_taken()
    {
        await using RunningHub hub = await StartAsync();
        await using HubClient sender = await ConnectAsync(hub);
        await using HubClient receiver = await ConnectAsync(hub);
        await using IAsyncEnumerator<Delivery> reader = receiver.ReceiveAsync().GetAsyncEnumerator();
        for (int i = 0; i < 100; i++)
        {
            Task<Receipt> receipt = sender.RelayWithReceiptAsync(receiver.UserId, "x"u8.ToArray(), RelayOptions.Confirm).AsTask();
            Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(Patience));
            Assert.False(receipt.IsCompleted);
            reader.Current.Dispose();
            Assert.Equal([new(receiver.UserId, Outcome.Delivered)], (await receipt.WaitAsync(Patience)).Entries);
        }
    }

    /// <summary>
    /// The library's guide: dispose of a message before you wait for a confirmation. Alice asks Bob while she handles a message, and Bob
    /// answers while he handles hers.
    /// </summary>
    [Theory]
    [InlineData(true, Outcome.Delivered)]
    [InlineData(false, Outcome.Accepted)]
    public async Task Handlers_that_confirm_each_other_wait_for_each_other_unless_they_dispose_first(bool disposesFirst, Outcome outcome)
    {
        await using RunningHub hub = await StartAsync();
        await using HubClient alice = await ConnectAsync(hub);
        await using HubClient bob = await ConnectAsync(hub);
        await using HubClient starter = await ConnectAsync(hub);
        await starter.RelayAsync(alice.UserId, "begin"u8.ToArray());
        Task<Receipt>[] handlers = [HandleAsync(alice, bob.UserId, count: 2), HandleAsync(bob, alice.UserId, count: 1)];
        if (!disposesFirst)
        {
            await hub.AdvanceUntilAsync(Task.WhenAll(handlers), TimeSpan.FromSeconds(1));
        }

        Receipt[] receipts = await Task.WhenAll(handlers).WaitAsync(Patience);
        Assert.Equal(outcome, receipts[0].Entries[0].Outcome);

        // Who began to wait later may get its confirmation from the other's giving up.
        Outcome[] others = [outcome, Outcome.Delivered];
        Assert.Contains(receipts[1].Entries[0].Outcome, others);

        // Confirms something while it handles the first message; the others are only taken.
        async Task<Receipt> HandleAsync(HubClient client, ulong other, int count)
        {
            Receipt? receipt = null;
            await foreach (Delivery delivery in client.ReceiveAsync())
            {
                if (disposesFirst)
                {
                    delivery.Dispose();
                }

                receipt ??= await client.RelayWithReceiptAsync(other, "x"u8.ToArray(), RelayOptions.Confirm);
                delivery.Dispose();
                if (--count == 0)
                {
                    break;
                }
            }

            return receipt!;
        }
    }

    private static Task<RunningHub> StartAsync() => RunningHub.StartAsync(options => options with { ConfirmTimeout = TimeSpan.FromSeconds(30) });

    private static async Task<HubClient> ConnectAsync(RunningHub hub, Func<HubClientOptions, HubClientOptions>? configure = null)
    {
        var options = new HubClientOptions
        {
            Port = hub.Endpoint.Port,
            TimeProvider = new FakeTimeProvider(),
            ConnectTimeout = Timeout.InfiniteTimeSpan,
            CloseTimeout = TimeSpan.Zero,
        };
        return await HubClient.ConnectAsync(configure?.Invoke(options) ?? options).AsTask().WaitAsync(Patience);
    }
}
