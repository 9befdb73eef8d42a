using System.Diagnostics.Metrics;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outside;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub;

/// <summary>
/// The hub's meter, <c>MessageDelivery.Hub</c>. Each part counts for itself, on each loop in plain numbers; the sums are made when somebody
/// looks, so that counting costs nothing on the way of a message.
/// </summary>
internal sealed class HubMetrics : IDisposable
{
    public const string MeterName = "MessageDelivery.Hub";

    private readonly OutsideFailures _failures;
    private Meter? _meter;
    private readonly IReadOnlyList<LoopServices> _services;
    private readonly bool _ownsMeter;

    public HubMetrics(IMeterFactory? meters, IReadOnlyList<LoopServices> services, SessionTable sessions, HttpQuota http, BlockPool pool, OutsideFailures failures)
    {
        _services = services;
        _failures = failures;
        _ownsMeter = meters is null;
        failures.Try(OutsideCall.CreateMeter, () => _meter = meters?.Create(MeterName) ?? new Meter(MeterName));
        Add(meter => meter.CreateObservableUpDownCounter("mds.connections", () => SumOfLoops(c => c.Connections), "{connection}", "Open connections."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.http.connections", () => http.Taken, "{connection}", "Connections that are served as HTTP; they are among mds.connections."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.users", () => sessions.Users.Count, "{user}", "Users that can be reached."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.users.away", () => sessions.Away, "{user}", "Users whose connection was lost and who may resume; they are among mds.users."));
        Add(meter => meter.CreateObservableCounter("mds.resumes", () => sessions.Resumed, "{session}", "Sessions that went on with another connection."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.watchers", () => sessions.Users.Watchers, "{user}", "Users that watch who comes and goes."));
        Add(meter => meter.CreateObservableCounter("mds.relays.received", () => SumOfRouters(c => c.RelaysReceived), "{message}", "Relays carried out."));
        Add(meter => meter.CreateObservableCounter("mds.deliveries.queued", () => SumOfRouters(c => c.DeliveriesQueued), "{message}", "Deliveries queued for receivers, those that had to wait among them."));
        Add(meter => meter.CreateObservableCounter("mds.relays.body.received", () => SumOfRouters(c => c.BodyBytesReceived), "By", "Bytes of the bodies of relays carried out."));
        Add(meter => meter.CreateObservableCounter("mds.deliveries.body.queued", () => SumOfRouters(c => c.BodyBytesQueued), "By", "Bytes of bodies queued for receivers, once for each."));
        Add(meter => meter.CreateObservableCounter("mds.network.received", () => SumOfLoops(c => c.BytesReceived), "By", "Bytes received from sockets."));
        Add(meter => meter.CreateObservableCounter("mds.network.sent", () => SumOfLoops(c => c.BytesSent), "By", "Bytes the kernel has taken for sending."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.queued", () => SumOfLoops(c => c.QueuedBytes), "By", "Bytes in the queues of all users."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.retained", () => SumOfLoops(c => c.RetainedBytes), "By", "Bytes sent that resumable users have not acknowledged."));
        Add(meter => meter.CreateObservableCounter("mds.waits", () => SumOfRouters(c => c.Waits), "{wait}", "Times a sender was made to wait for a receiver."));
        Add(meter => meter.CreateObservableCounter("mds.not_delivered", NotDelivered, "{message}", "Deliveries that were not queued, by outcome."));
        Add(meter => meter.CreateObservableCounter("mds.limited", () => Limited(sessions.Limited), "{time}", "Times somebody was made to wait, refused or cut off by a limit."));
        Add(meter => meter.CreateObservableCounter("mds.disconnects", Disconnects, "{connection}", "Connections that ended, by reason."));
        Add(meter => meter.CreateObservableCounter("mds.tls.handshakes", Handshakes, "{handshake}", "TLS handshakes that succeeded: full ones, and resumed ones, which cost less."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.memory.used", () => pool.UsedBytes, "By", "Message memory in use."));
        Add(meter => meter.CreateObservableGauge("mds.memory.stage", () => (int)pool.Stage, "{stage}", "What the hub does for want of memory: 0 nothing, 1 the largest senders wait, 2 new connections are refused, 3 who holds most is cut off."));
        Add(meter => meter.CreateObservableUpDownCounter("mds.memory.limit", () => pool.LimitBytes, "By", "The most message memory the hub uses."));
    }

    public void Dispose()
    {
        if (_ownsMeter)
        {
            _failures.Try(OutsideCall.EndMeter, () => _meter?.Dispose());
        }
    }

    /// <summary>The metric's value of <c>reason</c>, in the field's spelling: <c>SlowConsumer</c> is <c>slow_consumer</c>.</summary>
    public static string Name<T>(T reason)
        where T : struct, Enum =>
        string.Concat(reason.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    /// <summary>Listeners are told of each instrument as it is made; one that throws costs that instrument.</summary>
    private void Add(Action<Meter> create)
    {
        if (_meter is not null)
        {
            _failures.Try(OutsideCall.CreateMeter, () => create(_meter));
        }
    }

    private long SumOfLoops(Func<LoopCounters, long> count) => _services.Sum(services => count(services.Loop.Counters));

    private long SumOfRouters(Func<RouterCounters, long> count) => _services.Sum(services => count(services.Router.Counters));

    private IEnumerable<Measurement<long>> NotDelivered() =>
        from outcome in (Outcome[])[Outcome.Unknown, Outcome.Full]
        select new Measurement<long>(SumOfRouters(c => c.NotDelivered[(int)outcome]), new KeyValuePair<string, object?>("outcome", outcome.Name()));

    private static IEnumerable<Measurement<long>> Limited(LimitLog limited) =>
        from limit in Limit.All
        select new Measurement<long>(limited.CountOf(limit.Kind), new KeyValuePair<string, object?>("limit", limit.Name));

    private IEnumerable<Measurement<long>> Disconnects() =>
        from reason in Enum.GetValues<CloseReason>()
        where reason != CloseReason.None
        select new Measurement<long>(_services.Sum(services => services.Host.Closed[reason]), new KeyValuePair<string, object?>("reason", Name(reason)));

    private IEnumerable<Measurement<long>> Handshakes() =>
    [
        new(SumOfLoops(c => c.FullHandshakes), new KeyValuePair<string, object?>("kind", "full")),
        new(SumOfLoops(c => c.ResumedHandshakes), new KeyValuePair<string, object?>("kind", "resumed")),
    ];
}
