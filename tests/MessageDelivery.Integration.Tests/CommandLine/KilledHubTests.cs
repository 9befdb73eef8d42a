using System.Net;
using MessageDelivery.Client;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What becomes of each message when the hub itself is killed (docs/operations.md, "What is guaranteed").</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class KilledHubTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task What_was_confirmed_was_received_and_what_was_not_is_said_not_to_be_known()
    {
        await using var first = await StartAsync("0", "--queue-limit", "1");
        await using var receiver = await ConnectAsync(first.Endpoint);
        await using var deaf = await ConnectAsync(first.Endpoint, receiveBufferBytes: 1);
        await using var sender = await ConnectAsync(first.Endpoint);
        var changes = new List<IdentityChangedEventArgs>();
        var changed = new TaskCompletionSource();
        var receiverChanged = new TaskCompletionSource();
        receiver.IdentityChanged += (_, _) => receiverChanged.TrySetResult();
        sender.IdentityChanged += (_, change) =>
        {
            changes.Add(change);
            changed.TrySetResult();
        };

        var receiving = ReceiveOneAsync(receiver);
        var confirmed = await sender.RelayWithReceiptAsync(receiver.UserId, "confirmed"u8.ToArray(), RelayOptions.Confirm);
        Assert.Equal([new(receiver.UserId, Outcome.Delivered)], confirmed.Entries);
        Assert.Equal("confirmed", await receiving);
        var pending = await FillAsync(sender, deaf.UserId);
        await sender.RelayAsync(receiver.UserId, "taken by the client"u8.ToArray());
        ulong before = sender.UserId;

        first.Mds.Signal(MdsProcess.SigKill);
        await first.Mds.EndAsync();
        await using var second = await StartAsync($"{first.Endpoint.Port}");
        await changed.Task.WaitAsync(Patience);

        var lost = await Assert.ThrowsAsync<HubSessionLostException>(() => pending.WaitAsync(Patience));
        Assert.True(lost.MayBeCarriedOut);
        var change = Assert.Single(changes);
        Assert.Equal(before, change.OldUserId);
        await sender.WaitUntilConnectedAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(sender.UserId, change.NewUserId);
        Assert.InRange(change.UnknownRelays, 1, long.MaxValue);

        // Ids begin anew with a hub: the receiver's may be anybody's now. Both go on as who they are.
        await receiverChanged.Task.WaitAsync(Patience);
        await receiver.WaitUntilConnectedAsync().AsTask().WaitAsync(Patience);
        Assert.Equal(receiver.UserId, await receiver.GetIdentityAsync());
        receiving = ReceiveOneAsync(receiver);
        await sender.RelayWithReceiptAsync(receiver.UserId, "after"u8.ToArray(), RelayOptions.Confirm);
        Assert.Equal("after", await receiving);
    }

    [Fact]
    public async Task What_was_held_for_who_is_away_is_lost_and_its_session_with_it()
    {
        await using var first = await StartAsync("0");
        await using var sender = await ConnectAsync(first.Endpoint);
        var (id, key) = await LeaveResumableAsync(first.Endpoint);
        // Until the hub has noticed that the connection is gone, it is accepted.
        using var patience = new CancellationTokenSource(Patience);
        while ((await sender.RelayWithReceiptAsync(id, "held"u8.ToArray(), cancellationToken: patience.Token)).Entries[0].Outcome != Outcome.Held)
        {
        }

        first.Mds.Signal(MdsProcess.SigKill);
        await first.Mds.EndAsync();
        await using var second = await StartAsync($"{first.Endpoint.Port}");

        await using var back = await Support.RawConnection.ConnectAsync(second.Endpoint);
        await back.SendAsync(Support.Frames.HelloResume(key, 0));
        var welcome = await back.FrameAsync(FrameType.Welcome);
        Assert.Equal((byte)WelcomeFlags.Resumable, welcome.Flags);
        await back.SendAsync(Support.Frames.Identity);
        await back.FrameAsync(FrameType.IdentityReply);
    }

    private static Task<HubProcess> StartAsync(string port, params string[] options) =>
        HubProcess.StartAsync(["serve", "--listen", $"127.0.0.3:{port}", .. options], null);

    private static async Task<HubClient> ConnectAsync(IPEndPoint hub, long receiveBufferBytes = 8 << 20) => await HubClient.ConnectAsync(new HubClientOptions
    {
        Host = $"{hub.Address}",
        Port = hub.Port,
        ReceiveBufferBytes = receiveBufferBytes,
    });

    /// <summary>Sends to who does not read until a receipt does not come any more; returns the call that waits.</summary>
    private static async Task<Task<Receipt>> FillAsync(HubClient sender, ulong deaf)
    {
        var body = new byte[1 << 20];
        while (true)
        {
            var call = sender.RelayWithReceiptAsync(deaf, body).AsTask();
            if (await Task.WhenAny(call, Task.Delay(1_000)) != call)
            {
                return call;
            }
        }
    }

    private static async Task<(ulong Id, byte[] Key)> LeaveResumableAsync(IPEndPoint hub)
    {
        await using var peer = await Support.RawConnection.ConnectAsync(hub);
        await peer.SendAsync(Support.Frames.HelloResumable());
        var welcome = await peer.FrameAsync(FrameType.Welcome);
        Assert.True(WelcomePayload.TryRead(welcome.Payload, out var payload));
        Assert.True(SessionTerms.TryRead(welcome.Payload, out var terms));
        return (payload.UserId, terms.Key.ToArray());
    }

    private static async Task<string> ReceiveOneAsync(HubClient client)
    {
        using var timeout = new CancellationTokenSource(Patience);
        await foreach (var delivery in client.ReceiveAsync(timeout.Token))
        {
            using (delivery)
            {
                return System.Text.Encoding.UTF8.GetString(delivery.Body.Span);
            }
        }

        throw new InvalidOperationException("Nothing came.");
    }
}
