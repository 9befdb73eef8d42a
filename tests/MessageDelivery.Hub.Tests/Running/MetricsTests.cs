using System.Diagnostics.Metrics;
using System.Net;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

public sealed class MetricsTests
{
    /// <summary>One relay to one user who is there and one who is not, and every instrument says what it should.</summary>
    [Fact]
    public async Task Every_instrument_tells_what_one_relay_did()
    {
        using var meters = new OneMeterFactory();
        await using var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)] }, meters: meters);
        await hub.StartAsync();
        using var sender = new Peer(hub.Endpoints[0]);
        using var receiver = new Peer(hub.Endpoints[0]);
        byte[] relay = Peer.Relay(new byte[100], RelayFlags.Receipt, receiver.Id, 999);
        sender.Send(relay);
        receiver.Receive(new byte[116]);
        sender.Receive(new byte[18]);

        // Bytes may arrive before the loop that sent them has counted them.
        const int Sent = 48 + 116 + 18;
        var values = Read(meters);
        for (int i = 0; i < 200 && (values["mds.network.sent"] < Sent || values["mds.queued"] > 0); i++)
        {
            await Task.Delay(10);
            values = Read(meters);
        }

        Assert.Equal(2, values["mds.connections"]);
        Assert.Equal(2, values["mds.users"]);
        Assert.Equal(0, values["mds.watchers"]);
        Assert.Equal(1, values["mds.relays.received"]);
        Assert.Equal(1, values["mds.deliveries.queued"]);
        Assert.Equal(100, values["mds.relays.body.received"]);
        Assert.Equal(100, values["mds.deliveries.body.queued"]);
        Assert.Equal(24 + relay.Length, values["mds.network.received"]);
        Assert.Equal(Sent, values["mds.network.sent"]);
        Assert.Equal(0, values["mds.queued"]);
        Assert.Equal(0, values["mds.waits"]);
        Assert.Equal(1, values["mds.not_delivered{unknown}"]);
        Assert.Equal(0, values["mds.not_delivered{full}"]);
        Assert.Equal(0, values["mds.disconnects{left}"]);
        Assert.Equal(0, values["mds.disconnects{slow_consumer}"]);
        Assert.True(values["mds.memory.used"] > 0);
        Assert.True(values["mds.memory.limit"] >= values["mds.memory.used"]);

        receiver.Dispose();
        for (int i = 0; i < 200 && Read(meters)["mds.disconnects{left}"] == 0; i++)
        {
            await Task.Delay(10);
        }

        Assert.Equal(1, Read(meters)["mds.disconnects{left}"]);
        Assert.Equal(1, Read(meters)["mds.users"]);
    }

    /// <summary>What the kernel may not hold for a user who does not read stays in the hub, where it is counted and bounded.</summary>
    [Fact]
    public async Task The_kernel_holds_no_more_than_the_send_buffer()
    {
        const int Relays = 64;
        using var meters = new OneMeterFactory();
        await using var hub = new MessageHub(
            new() { Listen = [new(IPAddress.Loopback, 0)], SendBufferBytes = 64 << 10, EventLoops = 1 }, meters: meters);
        await hub.StartAsync();
        using var sender = new Peer(hub.Endpoints[0]);
        using var receiver = new Peer(hub.Endpoints[0], receiveBufferBytes: 64 << 10);
        byte[] relay = Peer.Relay(new byte[64 << 10], RelayFlags.Receipt, receiver.Id);
        for (int i = 0; i < Relays; i++)
        {
            sender.Send(relay);
        }

        sender.Receive(new byte[Relays * 17]);
        Assert.InRange(Read(meters)["mds.queued"], (Relays - 8L) * (64 << 10), Relays * (16 + (64L << 10)));
        receiver.Receive(new byte[Relays * (16 + (64 << 10))]);
    }

    private static Dictionary<string, long> Read(IMeterFactory meters)
    {
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == meters)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            values[tags.IsEmpty ? instrument.Name : $"{instrument.Name}{{{tags[0].Value}}}"] = value);
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => values[instrument.Name] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }

    private sealed class OneMeterFactory : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose() => _meters.ForEach(meter => meter.Dispose());
    }
}
