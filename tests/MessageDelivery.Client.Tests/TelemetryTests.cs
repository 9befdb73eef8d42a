using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Client.Tests;

/// <summary>What a client logs, counts and traces.</summary>
public sealed class TelemetryTests : IDisposable
{
    private readonly Observed _observed = new();

    public void Dispose() => _observed.Dispose();

    [Fact]
    public async Task The_life_of_a_client_is_logged()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(hub.Resumable with { LoggerFactory = _observed }, id: 5);
        string name = $"127.0.0.1:{hub.Options.Port}";
        await peer.SendAsync(Frames.Error(ProtocolCode.InvalidReceivers, "none"));
        peer.EndSending();
        Peer second = await hub.ExpectResumeAsync(received: 0);
        await second.SendAsync(Frames.Welcome(5, key: 2, resumed: true));
        await client.WaitUntilConnectedAsync().Soon();
        second.Cut();
        Peer third = await hub.ExpectResumeAsync(received: 0, key: 2);
        await third.SendAsync(Frames.Welcome(9, key: 3));
        await Soonness.UntilAsync(() => client.UserId == 9);
        await client.WaitUntilConnectedAsync().Soon();
        await client.DisposeAsync().Soon();

        string[] lines = _observed.Lines;
        Assert.Equal([1, 9, 4, 5, 4, 6, 8], lines.Select(line => int.Parse(line.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal($"1 Information Connected to {name} as user 5", lines[0]);
        Assert.Equal($"9 Warning {name} refused a relay: invalid_receivers: none", lines[1]);
        Assert.Equal($"4 Warning The connection to {name} was lost: the hub ended the connection without a GOODBYE; connecting again", lines[2]);
        Assert.Equal($"5 Information Connected to {name} again; the session goes on as user 5", lines[3]);
        Assert.StartsWith($"6 Warning Connected to {name} again, as user 9 instead of 5: ", lines[5], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_that_is_not_there_is_one_warning_and_the_end_is_an_error()
    {
        await using var hub = new ScriptedHub();
        await using HubClient client = HubClient.Create(hub.Resumable with { LoggerFactory = _observed, MeterFactory = _observed, CloseTimeout = TimeSpan.Zero });
        client.Begin();
        (await hub.AcceptAsync()).Cut();
        (await hub.AcceptAsync()).Cut();
        await (await hub.AcceptAsync()).SendAsync(Frames.Goodbye(ProtocolCode.AuthFailed, "no"));
        await client.Closed.Soon();
        await Soonness.UntilAsync(() => _observed.Lines.Length == 3);
        Assert.Equal(["2 Warning", "3 Debug", "7 Error"], _observed.Lines.Select(line => string.Join(' ', line.Split(' ')[..2])));
        Assert.Contains("auth_failed: no", _observed.Lines[2], StringComparison.Ordinal);
        Assert.Equal(2, _observed.Sum("mds.client.attempts.failed"));
    }

    [Fact]
    public async Task A_handler_that_fails_is_logged()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { LoggerFactory = _observed });
        client.ConnectionStateChanged += (_, _) => throw new InvalidOperationException("defect");
        peer.Cut();
        await client.Closed.Soon();
        await client.DisposeAsync().Soon();
        Assert.Contains(_observed.Lines, line => line.StartsWith("10 Error A handler of ConnectionStateChanged failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_counts_what_it_does()
    {
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectAsync(hub.Options with { MeterFactory = _observed });
        await using (client)
        {
            await client.RelayAsync(2, new byte[10]).Soon();
            Task<Receipt> receipt = client.RelayWithReceiptAsync(2, new byte[7]).AsTask();
            await peer.ExpectAsync(FrameType.Relay);
            ReceivedFrame relay = await peer.ExpectAsync(FrameType.Relay);
            await peer.SendAsync(Frames.Delivery(9, 1, 2, 3), Frames.Receipt(relay.U64(), Outcome.Accepted), Frames.Error(ProtocolCode.Unsupported, "no"));
            await receipt.Soon();
            Task<MessageBody> echo = client.EchoAsync(new byte[1]).AsTask();
            await peer.ExpectAsync(FrameType.Heartbeat);
            await peer.ExpectAsync(FrameType.Echo);
            await peer.SendAsync(Frames.Heartbeat(), Frames.Error(ProtocolCode.RateLimited, "slowly"));
            await Assert.ThrowsAsync<HubRequestException>(() => echo.Soon());
            Assert.Equal(1, _observed.Sum("mds.client.connections"));
            Assert.Equal(2, _observed.Sum("mds.client.relays"));
            Assert.Equal(17, _observed.Sum("mds.client.relays.body"));
            Assert.Equal(1, _observed.Sum("mds.client.deliveries"));
            Assert.Equal(3, _observed.Sum("mds.client.deliveries.body"));
            Assert.Equal(1, _observed.Sum("mds.client.relays.rejected"));
            Assert.Equal(1, _observed.Sum("mds.client.connected", "session=new"));
            Assert.Equal(1, _observed.Count("mds.client.request.duration", "request=relay"));
            Assert.Equal(1, _observed.Count("mds.client.request.duration", "error.type=rate_limited"));
            peer.Cut();
            await client.Closed.Soon();
        }

        Assert.Equal(0, _observed.Sum("mds.client.connections"));
        Assert.Equal(1, _observed.Sum("mds.client.lost", "reason=network"));
        Assert.Equal(1, _observed.Sum("mds.client.lost", $"server.port={hub.Options.Port}"));
    }

    [Fact]
    public async Task Calls_are_traced_below_the_callers_activity()
    {
        await using var hub = new ScriptedHub();
        var ended = new ConcurrentQueue<Activity>();
        using var caller = new Activity("caller").Start();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == HubClient.TelemetryName,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Parent.TraceId == caller.TraceId ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        (HubClient client, Peer peer) = await hub.ConnectAsync();
        await using (client)
        {
            await client.RelayAsync(new ulong[] { 2, 3 }, new byte[10]).Soon();
            Assert.Same(caller, Activity.Current);
            Task<ulong> identity = client.GetIdentityAsync().AsTask();
            Assert.Same(caller, Activity.Current);
            await peer.ExpectAsync(FrameType.Relay);
            await peer.SendAsync(Frames.Heartbeat(), Frames.Error(ProtocolCode.RateLimited, "slowly"));
            await Assert.ThrowsAsync<HubRequestException>(() => identity.Soon());
        }

        Activity[] own = [.. ended.Where(activity => activity.TraceId == caller.TraceId)];
        Assert.Equal(["mds relay", "mds identity"], own.Select(activity => activity.OperationName));
        Assert.All(own, activity => Assert.Equal(caller.SpanId, activity.ParentSpanId));
        Assert.Equal((ActivityKind.Producer, 10, 2), (own[0].Kind, own[0].GetTagItem("messaging.message.body.size"), own[0].GetTagItem("mds.receivers")));
        Assert.Equal((ActivityStatusCode.Error, "rate_limited"), (own[1].Status, own[1].GetTagItem("error.type")));
    }

    [Fact]
    public async Task A_logger_and_a_meter_that_throw_do_no_harm()
    {
        _observed.Throws = true;
        await using var hub = new ScriptedHub();
        (HubClient client, Peer peer) = await hub.ConnectResumableAsync(hub.Resumable with { LoggerFactory = _observed, MeterFactory = _observed }, id: 5);
        await using (client)
        {
            await client.RelayAsync(2, new byte[10]).Soon();
            await peer.SendAsync(Frames.Delivery(9, 1));
            await using (IAsyncEnumerator<Delivery> deliveries = client.ReceiveAsync().GetAsyncEnumerator())
            {
                Assert.True(await deliveries.MoveNextAsync().Soon());
                deliveries.Current.Dispose();
            }

            peer.Cut();
            Peer second = await hub.AcceptAsync();
            await second.ExpectAsync(FrameType.Hello);
            await second.SendAsync(Frames.Welcome(9, key: 2));
            await Soonness.UntilAsync(() => client.UserId == 9);
            await client.WaitUntilConnectedAsync().Soon();
            await client.RelayAsync(2, new byte[10]).Soon();
        }
    }

    [Fact]
    public void The_guide_lists_every_event_and_metric()
    {
        string[] guide = File.ReadAllLines(Guide.File());
        var events = typeof(ClientLog).GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Select(method => (method.Name, method.GetCustomAttribute<LoggerMessageAttribute>()!)).ToList();
        Assert.Equal(events.Count, events.Select(one => one.Item2.EventId).Distinct().Count());
        foreach ((string name, LoggerMessageAttribute attribute) in events)
        {
            Assert.Contains(guide, line => line.StartsWith($"| {attribute.EventId} | {name} | {attribute.Level} |", StringComparison.Ordinal));
        }

        _ = new ClientTelemetry(new() { MeterFactory = _observed });
        Assert.NotEmpty(_observed.Instruments);
        foreach (string instrument in _observed.Instruments)
        {
            Assert.Contains(guide, line => line.StartsWith($"| `{instrument}` |", StringComparison.Ordinal));
        }
    }

    /// <summary>Takes logs and measurements of the clients that are given it.</summary>
    private sealed class Observed : ILoggerFactory, ILogger, IMeterFactory
    {
        private readonly ConcurrentQueue<string> _lines = new();
        private readonly ConcurrentQueue<(string Name, double Value, string[] Tags)> _measured = new();
        private readonly ConcurrentDictionary<string, bool> _instruments = new();
        private readonly Meter _meter = new(HubClient.TelemetryName);
        private readonly MeterListener _listener = new();

        public Observed()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter, _meter))
                {
                    _instruments[instrument.Name] = true;
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
            _listener.Start();
        }

        public bool Throws { get; set; }

        public string[] Lines => [.. _lines];

        public IEnumerable<string> Instruments => _instruments.Keys;

        public double Sum(string name, string? tag = null) => Of(name, tag).Sum(one => one.Value);

        public int Count(string name, string? tag = null) => Of(name, tag).Count();

        public ILogger CreateLogger(string categoryName) => this;

        public Meter Create(MeterOptions options) => _meter;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            _lines.Enqueue($"{eventId.Id} {logLevel} {formatter(state, exception)}");
            ThrowIfAsked();
        }

        public void Dispose()
        {
            _listener.Dispose();
            _meter.Dispose();
        }

        private IEnumerable<(string Name, double Value, string[] Tags)> Of(string name, string? tag) =>
            _measured.Where(one => one.Name == name && (tag is null || one.Tags.Contains(tag)));

        private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            _measured.Enqueue((instrument.Name, value, [.. tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")]));
            ThrowIfAsked();
        }

        private void ThrowIfAsked()
        {
            if (Throws)
            {
                throw new InvalidOperationException("defect");
            }
        }
    }
}
