using System.Diagnostics;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Bench;

/// <summary>A user who relays numbered messages. One relay at a time: the next one when the client has taken the last.</summary>
internal sealed class BenchSender
{
    private readonly HubClient _client;
    private readonly ulong[][] _receivers;
    private readonly long[] _next;
    private readonly byte[] _body;
    private readonly Random _random;
    private long _sent;
    private long _measured;

    public BenchSender(BenchPlan plan, int place, IReadOnlyList<HubClient> users)
    {
        Place = place;
        _client = users[place];
        _receivers = [.. plan.ReceiversOf(place).Select(places => (ulong[])[.. places.Select(other => users[other].UserId)])];
        _next = new long[_receivers.Length];
        _body = new byte[plan.SizeBytes];
        _random = new(place);
        DeliveriesPerRelay = _receivers[0].Length;
        long window = plan.Window ?? int.MaxValue;
        Window = new(window * DeliveriesPerRelay, window / 2 * DeliveriesPerRelay);
    }

    /// <summary>Its place among the users of the run.</summary>
    public int Place { get; }

    public int DeliveriesPerRelay { get; }

    public InFlightWindow Window { get; }

    /// <summary>Relays that its client has taken.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Those of them that count.</summary>
    public long Measured => Volatile.Read(ref _measured);

    /// <summary>Relays as fast as its window allows, until the time or its share of the count has come.</summary>
    public async Task RunAsync(BenchClock clock, long quota)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (!clock.IsStopped)
            {
                if (!Window.TryEnter(DeliveriesPerRelay))
                {
                    await Window.WaitAsync();
                    continue;
                }

                long now = Stopwatch.GetTimestamp();
                if (now >= clock.EndsAt || _measured == quota)
                {
                    return;
                }

                await RelayAsync(now, now >= clock.MeasuresFrom, clock.Stopped);
            }
        }
        catch (OperationCanceledException) when (clock.IsStopped)
        {
            // The client had no room for the last one, which is not sent and not counted.
        }
    }

    /// <summary>Relays one message that is due, or was. Completes when the client has taken it; it counts from then on.</summary>
    public ValueTask RelayAsync(long dueAt, bool isMeasured, CancellationToken cancellationToken)
    {
        int choice = _receivers.Length == 1 ? 0 : _random.Next(_receivers.Length);
        ulong[] receivers = _receivers[choice];
        new MessageStamp(dueAt, _next[choice]++, Place).Write(_body);
        var taking = receivers.Length == 1
            ? _client.RelayAsync(receivers[0], _body, cancellationToken: cancellationToken)
            : _client.RelayAsync(receivers, _body, cancellationToken: cancellationToken);
        if (!taking.IsCompletedSuccessfully)
        {
            return CountWhenTakenAsync(taking, isMeasured);
        }

        Count(isMeasured);
        return ValueTask.CompletedTask;
    }

    private async ValueTask CountWhenTakenAsync(ValueTask taking, bool isMeasured)
    {
        await taking;
        Count(isMeasured);
    }

    private void Count(bool isMeasured)
    {
        Volatile.Write(ref _sent, _sent + 1);
        Volatile.Write(ref _measured, _measured + (isMeasured ? 1 : 0));
    }
}
