using System.Diagnostics;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Bench;

/// <summary>A user who relays numbered messages. One relay at a time: the next one when the client has taken the last.</summary>
internal sealed class BenchSender
{
    private readonly HubClient _client;
    private readonly Destination[] _destinations;
    private readonly byte[] _body;
    private readonly Random _random;
    private long _sent;
    private long _measured;

    public BenchSender(BenchPlan plan, int place, IReadOnlyList<HubClient> users)
    {
        Place = place;
        _client = users[place];
        _destinations = [.. plan.ReceiversOf(place).Select(places => new Destination([.. places.Select(other => users[other].UserId)]))];
        _body = new byte[plan.SizeBytes];
        _random = new(place);
        DeliveriesPerRelay = _destinations[0].Receivers.Length;
        long window = plan.Window ?? int.MaxValue;
        Window = new(window * DeliveriesPerRelay, window / 2 * DeliveriesPerRelay);
    }

    /// <summary>Its place among the users of the run.</summary>
    public int Place { get; }

    public int DeliveriesPerRelay { get; }

    public InFlightWindow Window { get; }

    /// <summary>Relays that it has made.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Those of them that count.</summary>
    public long Measured => Volatile.Read(ref _measured);

    /// <summary>Relays as fast as its window allows, until the time or its share of the count has come.</summary>
    public async Task RunAsync(BenchClock clock, long quota)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!clock.IsStopped)
        {
            if (!Window.TryEnter(DeliveriesPerRelay))
            {
                await Window.WaitAsync().ConfigureAwait(false);
                continue;
            }

            long now = Stopwatch.GetTimestamp();
            if (now >= clock.EndsAt || _measured == quota)
            {
                return;
            }

            await RelayAsync(now, now >= clock.MeasuresFrom).ConfigureAwait(false);
        }
    }

    /// <summary>Relays one message that is due, or was. Completes when the client has taken it.</summary>
    public ValueTask RelayAsync(long dueAt, bool isMeasured)
    {
        var destination = _destinations.Length == 1 ? _destinations[0] : _destinations[_random.Next(_destinations.Length)];
        new MessageStamp(dueAt, destination.Next++, Place).Write(_body);
        Volatile.Write(ref _sent, _sent + 1);
        Volatile.Write(ref _measured, _measured + (isMeasured ? 1 : 0));
        return destination.Receivers.Length == 1
            ? _client.RelayAsync(destination.Receivers[0], _body)
            : _client.RelayAsync(destination.Receivers, _body);
    }

    private sealed class Destination(ulong[] receivers)
    {
        public ulong[] Receivers { get; } = receivers;

        /// <summary>The number of the next message to them.</summary>
        public long Next { get; set; }
    }
}
