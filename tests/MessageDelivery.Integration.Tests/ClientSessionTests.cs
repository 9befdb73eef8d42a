using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Client;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>The client library and the hub, and between them connections that are cut again and again.</summary>
public sealed class ClientSessionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Everything_arrives_once_and_in_order_however_often_connections_are_cut(int seed)
    {
        const int count = 3000;
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)] });
        await hub.StartAsync();
        await using var proxy = new CuttingProxy(hub.Endpoints[0], maxBytes: 300_000, seed);
        await using HubClient sender = await ConnectAsync(proxy);
        await using HubClient receiver = await ConnectAsync(proxy);
        var changed = new List<string>();
        sender.IdentityChanged += (_, change) => changed.Add($"sender: {change.Reason.Message}");
        receiver.IdentityChanged += (_, change) => changed.Add($"receiver: {change.Reason.Message}");
        ulong to = receiver.UserId, from = sender.UserId;
        Task<Receipt>[] receipts = await Task.Run(async () =>
        {
            var pending = new List<Task<Receipt>>();
            var random = new Random(seed);
            for (int i = 0; i < count; i++)
            {
                byte[] body = new byte[4 + (i % 100 == 0 ? random.Next(100_000) : random.Next(300))];
                BinaryPrimitives.WriteInt32LittleEndian(body, i);
                if (i % 3 == 0)
                {
                    pending.Add(sender.RelayWithReceiptAsync(to, body, i % 2 == 0 ? RelayOptions.Confirm : RelayOptions.None).AsTask());
                }
                else
                {
                    await sender.RelayAsync(to, body);
                }
            }

            return pending.ToArray();
        }).WaitAsync(Patience);
        Task reading = Task.Run(async () =>
        {
            int next = 0;
            await foreach (Delivery delivery in receiver.ReceiveAsync())
            {
                using (delivery)
                {
                    Assert.Equal((from, next++), (delivery.Sender, BinaryPrimitives.ReadInt32LittleEndian(delivery.Body.Span)));
                }

                if (next == count)
                {
                    break;
                }
            }
        });
        await reading.WaitAsync(Patience);
        proxy.StopCutting();
        Receipt[] all = await Task.WhenAll(receipts).WaitAsync(Patience);
        Assert.Empty(changed);
        Assert.All(all, receipt => Assert.True(receipt.AllAccepted));
        Assert.Contains(all, receipt => receipt.Entries[0].IsDelivered);
        Assert.InRange(proxy.Cuts, 10, int.MaxValue);
    }

    private static async Task<HubClient> ConnectAsync(CuttingProxy proxy)
    {
        var options = new HubClientOptions { Port = proxy.Port, Reconnect = new() { InitialDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(10) } };
        while (true)
        {
            try
            {
                return await HubClient.ConnectAsync(options);
            }
            catch (HubConnectionException)
            {
                // A first connection is tried once, and may be cut.
            }
        }
    }
}
