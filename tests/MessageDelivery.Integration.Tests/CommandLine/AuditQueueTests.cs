using System.Net;
using System.Text;
using System.Text.Json;
using MessageDelivery.Cli.Operations;
using MessageDelivery.Hub;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The queue before the audit log, without a process: who records is never made to wait.</summary>
public sealed class AuditQueueTests
{
    private const int MaxWaiting = 8_192;

    [Fact]
    public void Strangers_who_are_refused_push_nobody_else_out_and_what_is_dropped_is_counted()
    {
        using var output = new HeldStream();
        using (var log = new AuditLog("held", output, TimeProvider.System))
        {
            // The first is taken, and is being written until the stream lets go.
            log.Record(Event(AuditKind.Joined));
            output.Began.Wait(TestContext.Current.CancellationToken);
            for (int i = 0; i < 2 * MaxWaiting; i++)
            {
                log.Record(Event(AuditKind.Refused));
            }

            for (int i = 0; i < 1_000; i++)
            {
                log.Record(Event(AuditKind.Joined));
            }

            output.LetGo();
        }

        var counts = output.Lines().CountBy(line => line.GetProperty("event").GetString()!).ToDictionary();
        Assert.Equal(1_001, counts["joined"]);
        Assert.Equal(MaxWaiting / 2, counts["refused"]);
        var dropped = Assert.Single(output.Lines(), line => line.GetProperty("event").GetString() == "dropped");
        Assert.Equal((2 * MaxWaiting) - (MaxWaiting / 2), dropped.GetProperty("count").GetInt64());
        Assert.Equal("queue_full", dropped.GetProperty("reason").GetString());
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        using var output = new HeldStream();
        using var log = new AuditLog("held", output, TimeProvider.System);
        log.Record(Event(AuditKind.Joined));
        output.Began.Wait(TestContext.Current.CancellationToken);
        log.Record(Event(AuditKind.Joined));
        // Each round finds room for all of its events, so that none only drops them.
        Assert.Equal(0, Allocations.MinOf(() => Record(MaxWaiting / 16)));
        Record(MaxWaiting);
        Assert.Equal(0, Allocations.MinOf(() => Record(MaxWaiting)));
        output.LetGo();

        void Record(int count)
        {
            for (int i = 0; i < count; i++)
            {
                log.Record(Event(AuditKind.Joined));
            }
        }
    }

    [Fact]
    public void What_others_have_chosen_stays_within_its_line()
    {
        using var output = new HeldStream();
        using (var log = new AuditLog("held", output, TimeProvider.System))
        {
            output.LetGo();
            log.Record(Event(AuditKind.Authenticated) with { Subject = "a\"}\n{\"event\":\"joined\u202e\u001b[2J" });
        }

        var line = Assert.Single(output.Lines());
        Assert.Equal("a\"}\n{\"event\":\"joined\u202e\u001b[2J", line.GetProperty("subject").GetString());
        Assert.All(output.Written, one => Assert.InRange(one, (byte)'\n', (byte)'~'));
    }

    [Fact]
    public async Task A_hub_tells_of_each_connection_once_how_it_began_and_how_it_ended()
    {
        var audit = new ListAudit();
        await using (var hub = new MessageHub(new() { Listen = [new(IPAddress.Loopback, 0)], Audit = audit }))
        {
            await hub.StartAsync(TestContext.Current.CancellationToken);
            for (int i = 0; i < 50; i++)
            {
                await using var client = await Client.HubClient.ConnectAsync(
                    new Client.HubClientOptions { Port = hub.Endpoints[0].Port, Reconnect = null }, TestContext.Current.CancellationToken);
            }
        }

        Assert.Equal(50, audit.Events.Count(happened => happened.Kind == AuditKind.Joined));
        Assert.Equal(50, audit.Events.Count(happened => happened.Kind == AuditKind.Left));
        Assert.Equal(100, audit.Events.Count);
        Assert.All(audit.Events.GroupBy(happened => happened.UserId), events => Assert.Equal(
            events.First().Peer, Assert.Single(events.Skip(1)).Peer));
    }

    private static AuditEvent Event(AuditKind kind) => new(kind, kind == AuditKind.Refused ? 0UL : 7, "left", default);

    private sealed class ListAudit : IHubAudit
    {
        private readonly List<AuditEvent> _events = [];

        public List<AuditEvent> Events => _events;

        public void Record(in AuditEvent auditEvent)
        {
            lock (_events)
            {
                _events.Add(auditEvent);
            }
        }
    }

    /// <summary>A stream that keeps its first writer waiting until it is let go.</summary>
    private sealed class HeldStream : MemoryStream
    {
        private readonly ManualResetEventSlim _mayGo = new();

        public ManualResetEventSlim Began { get; } = new();

        public byte[] Written => ToArray();

        public void LetGo() => _mayGo.Set();

        public List<JsonElement> Lines() =>
            [.. Encoding.UTF8.GetString(ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Began.Set();
            _mayGo.Wait();
            base.Write(buffer);
        }
    }
}
