using System.Diagnostics;
using MessageDelivery.Client;
using MessageDelivery.Protocol;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Clients;

/// <summary>A client of the client library, which connects again by itself.</summary>
internal sealed class LibraryClient(Surroundings surroundings) : ITortureClient
{
    private const int MaxPending = 256;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan MaxFarewell = TimeSpan.FromSeconds(30);

    private readonly IHistory _history = surroundings.History;
    private readonly Lock _gate = new();
    private readonly Pace _pace = new(surroundings.Rate);
    private readonly HashSet<Task> _pending = [];
    private ulong _session;
    private ulong _userId;
    private long _number;
    private uint _sessions;
    private long _frozenUntil;
    private bool _hasConcluded;
    private volatile bool _stopsSending;
    private volatile bool _leaves;

    public void StopSending() => _stopsSending = true;

    public void Leave() => _leaves = true;

    public void Freeze(TimeSpan length) => Volatile.Write(ref _frozenUntil, Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency));

    public async Task RunAsync()
    {
        var options = HubClientOptions.Parse(surroundings.Endpoint.ToString()) with
        {
            Reconnect = new() { InitialDelay = TimeSpan.FromMilliseconds(50), MaxDelay = TimeSpan.FromSeconds(1) },
            ConnectTimeout = TimeSpan.FromSeconds(15),
            CloseTimeout = MaxFarewell,
        };
        await using var client = await ConnectAsync(options);
        Join(client.UserId);
        client.SessionResumed += (_, _) => _history.Resumed(_session);
        client.IdentityChanged += (_, change) => IdentityChanged(change);
        client.ConnectionStateChanged += (_, change) => ConnectionStateChanged(change);
        client.RelayRejected += (_, rejection) => _history.Unexpected(_session, $"a relay was rejected: {rejection.Error.Message}");
        var receiving = ReceiveAsync(client);
        await SendAsync(client);
        await Task.WhenAll(Snapshot());
        await CloseAsync(client);
        await receiving;
        _history.Ended(_session, SessionEnd.Left);
    }

    private static async Task<HubClient> ConnectAsync(HubClientOptions options)
    {
        // The library tries a first connection once; a fault may have met it.
        while (true)
        {
            try
            {
                return await HubClient.ConnectAsync(options);
            }
            catch (HubConnectionException)
            {
                await Task.Delay(100);
            }
        }
    }

    private void Join(ulong userId)
    {
        _session = ((ulong)surroundings.Number << SessionRecord.ClientShift) | ++_sessions;
        _userId = userId;
        _number = 0;
        _hasConcluded = false;
        _history.Joined(_session, userId, ClientKind.Library);
    }

    private void ConnectionStateChanged(ConnectionStateChangedEventArgs change)
    {
        if (change.NewState == ConnectionState.Reconnecting && !surroundings.ExplainsLoss)
        {
            _history.Unexpected(_session, $"lost its connection while there were no faults: {change.Reason.Message}");
        }
    }

    private void IdentityChanged(IdentityChangedEventArgs change)
    {
        lock (_gate)
        {
            _history.Ended(_session, SessionEnd.ConnectionLost);
            Join(change.NewUserId);
        }
    }

    private async Task ReceiveAsync(HubClient client)
    {
        try
        {
            await foreach (var delivery in client.ReceiveAsync())
            {
                using (delivery)
                {
                    while (Stopwatch.GetTimestamp() < Volatile.Read(ref _frozenUntil))
                    {
                        await Task.Delay(Tick);
                    }

                    _history.Received(_session, 0, delivery.Sender, Body.Read(delivery.Body.Span, surroundings.Run));
                }
            }
        }
        catch (HubConnectionException error)
        {
            _history.Unexpected(_session, $"was closed for good: {error.Message}");
        }
    }

    private async Task SendAsync(HubClient client)
    {
        while (!_leaves)
        {
            await Task.Delay(Tick);
            if (client.ConnectionState == ConnectionState.Closed)
            {
                return;
            }

            if (Stopwatch.GetTimestamp() < Volatile.Read(ref _frozenUntil))
            {
                continue;
            }

            if (_stopsSending)
            {
                await ConcludeAsync(client);
                continue;
            }

            for (int count = _pending.Count < MaxPending ? _pace.Take(64) : 0; count > 0; count--)
            {
                if (surroundings.Mix.Next(_userId) is { } draft)
                {
                    await RelayAsync(client, draft);
                }
            }
        }
    }

    /// <summary>The last relay; a receipt that was lost with its connection is asked for once more.</summary>
    private async Task ConcludeAsync(HubClient client)
    {
        if (!_hasConcluded)
        {
            _hasConcluded = true;
            await RelayAsync(client, new([_userId], RelayFlags.Receipt, Body.StampBytes, IsText: false));
        }
    }

    private async Task RelayAsync(HubClient client, RelayDraft draft)
    {
        byte[] body = new byte[draft.BodyBytes];
        ulong session;
        long number;
        Task call;
        // The library carries out calls in the order in which they are made; which session is whose must not change between.
        lock (_gate)
        {
            (session, number) = (_session, ++_number);
            Body.Write(body, surroundings.Run, session, number, draft.IsText);
            _history.Sending(session, number, draft.Receivers, draft.Flags, draft.BodyBytes);
            var options = (RelayOptions)(draft.Flags & ~RelayFlags.Receipt);
            call = draft.Flags.HasFlag(RelayFlags.Receipt)
                ? AnswerAsync(session, number, client.RelayWithReceiptAsync(draft.Receivers, body, options).AsTask())
                : GiveAsync(session, number, client.RelayAsync(draft.Receivers, body, options));
            _pending.Add(call);
        }

        _ = call.ContinueWith(Forget, TaskScheduler.Default);
        if (!draft.Flags.HasFlag(RelayFlags.Receipt))
        {
            await call;
        }
    }

    private void Forget(Task call)
    {
        lock (_gate)
        {
            _pending.Remove(call);
        }
    }

    private Task[] Snapshot()
    {
        lock (_gate)
        {
            return [.. _pending];
        }
    }

    private async Task AnswerAsync(ulong session, long number, Task<Receipt> call)
    {
        try
        {
            var receipt = await call.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            _history.Answered(session, number, [.. receipt.Entries.Select(entry => (byte)entry.Outcome)]);
        }
        catch (HubRequestException error)
        {
            _history.Rejected(session, number, error.Code);
        }
        catch (Exception error) when (error is HubConnectionException or ObjectDisposedException)
        {
            _history.Abandoned(session, number);
        }
    }

    private async Task GiveAsync(ulong session, long number, ValueTask call)
    {
        try
        {
            await call;
        }
        catch (Exception error) when (error is HubConnectionException or ObjectDisposedException)
        {
            _history.Abandoned(session, number);
        }
    }

    private async Task CloseAsync(HubClient client)
    {
        try
        {
            using var tooLong = new CancellationTokenSource(MaxFarewell);
            await client.CloseAsync(tooLong.Token);
        }
        catch (Exception error) when (error is HubConnectionException or OperationCanceledException)
        {
            _history.Unexpected(_session, $"could not say goodbye: {error.Message}");
        }
    }
}
