using System.Net;
using System.Net.Sockets;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Processes;
using MessageDelivery.Torture.Proxy;

namespace MessageDelivery.Torture.Tests;

public class ProxyTests
{
    [Fact]
    public void The_cursor_knows_at_every_byte_whether_a_frame_is_under_way()
    {
        byte[] ack = FrameBytes.Ack(1);
        byte[] heartbeat = FrameBytes.Header(FrameType.Heartbeat);
        byte[] stream = [.. ack, .. heartbeat, .. ack];
        var ends = new[] { ack.Length, ack.Length + heartbeat.Length, stream.Length };
        for (int cut = 0; cut <= stream.Length; cut++)
        {
            var cursor = new FrameCursor();
            cursor.Advance(stream.AsSpan(0, cut));
            Assert.Equal(cut > 0 && !ends.Contains(cut), cursor.IsWithinFrame);
            cursor.Advance(stream.AsSpan(cut));
            Assert.False(cursor.IsWithinFrame);
        }
    }

    [Fact]
    public void The_same_seed_plans_the_same_faults_and_another_does_not()
    {
        var plan = new FaultPlan(seed: 1, client: 2, connection: 3).Faults;
        Assert.Equal(plan, new FaultPlan(seed: 1, client: 2, connection: 3).Faults);
        Assert.NotEqual(plan, new FaultPlan(seed: 2, client: 2, connection: 3).Faults);
        Assert.NotEqual(plan, new FaultPlan(seed: 1, client: 2, connection: 4).Faults);
    }

    [Fact]
    public void A_plan_ends_with_what_ends_the_connection_and_each_kind_comes_up()
    {
        FaultPlan[] plans = [.. Enumerable.Range(0, 500).Select(number => new FaultPlan(1, 1, number))];
        Assert.All(plans, plan => Assert.True(plan.Faults[^1].Kind is FaultKind.Cut or FaultKind.Reset or FaultKind.HalfOpen));
        var counts = plans.SelectMany(plan => plan.Faults).CountBy(fault => fault.Kind).ToDictionary();
        Assert.Equal(7, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 100, 300));
    }

    [Fact]
    public void Sabotage_drops_one_delivery_in_so_many_and_leaves_everything_else()
    {
        var sabotage = new Sabotage(SabotageKind.Drop, oneIn: 2, () => 0);
        var take = sabotage.ToClient()!;
        byte[] delivery = new byte[116];
        new DeliveryHeader(7, 100).Write(delivery);
        byte[] stream = [.. FrameBytes.Header(FrameType.HeartbeatReply), .. delivery, .. delivery, .. delivery];
        List<byte> passed = [];
        foreach (byte value in stream)
        {
            passed.AddRange(take(new[] { value }).Span);
        }

        Assert.Equal(stream.Length - delivery.Length, passed.Count);
        Assert.Equal(1, sabotage.Done);
        Assert.Null(sabotage.ToHub());
    }

    [Fact]
    public async Task A_cut_is_a_reset_for_the_hub_where_a_proper_end_would_end_a_line()
    {
        for (int round = 0; round < 50; round++)
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            using var user = await ConnectAsync(listener);
            using var client = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            using var toHub = await ConnectAsync(listener);
            using var hub = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            var plan = new FaultPlan(round, new PlannedFault(TimeSpan.Zero, FaultKind.Cut));
            var end = hub.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken).AsTask();

            await new ProxiedConnection(client, toHub, plan, new(areOn: true), sabotage: null, resetsHub: true).RunAsync(TestContext.Current.CancellationToken);

            var error = await Assert.ThrowsAsync<SocketException>(() => end);
            Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
        }
    }

    private static async Task<Socket> ConnectAsync(Socket listener)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndPoint!, TestContext.Current.CancellationToken);
        return socket;
    }

    [Fact]
    public void What_a_process_tells_arrives_as_told_but_for_a_line_that_is_not_whole()
    {
        var text = new StringWriter();
        var piped = new PipedHistory(text);
        piped.Joined(History.Sender, History.SenderId, Checking.ClientKind.Raw);
        piped.Sending(History.Sender, 1, [History.SenderId, 5], RelayFlags.Receipt, 100);
        piped.Received(History.Sender, 1, History.SenderId, new(Checking.BodyState.Intact, History.Sender, 1, 100));
        piped.Answered(History.Sender, 1, [0, 2]);
        piped.Unexpected(History.Sender, "odd\nlines");
        string[] lines = text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

        var checker = new Checking.Checker(new(), TimeSpan.FromMinutes(1));
        foreach (string line in lines)
        {
            PipedHistory.Tell(checker, line);
            PipedHistory.Tell(checker, line[..^2]);
        }

        Assert.Equal(1, checker.Counts.Sent);
        Assert.Equal(1, checker.Counts.Checked);
        Assert.Equal(1, checker.Counts.Deliveries);
        Assert.EndsWith("odd lines", Assert.Single(checker.Violations).What, StringComparison.Ordinal);
    }
}
