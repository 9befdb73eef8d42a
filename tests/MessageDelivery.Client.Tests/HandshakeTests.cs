using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Client.Tests;

public sealed class HandshakeTests
{
    [Fact]
    public async Task Hello_carries_magic_version_and_token_and_welcome_gives_id_and_limits()
    {
        await using var hub = new ScriptedHub();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options with { Token = "schlüssel" }).AsTask();
        Peer peer = await hub.AcceptAsync();
        ReceivedFrame hello = await peer.ReadAsync();
        Assert.Equal(new FrameHeader(FrameType.Hello, 0, 1, (uint)(4 + Encoding.UTF8.GetByteCount("schlüssel"))), hello.Header);
        Assert.Equal("MDS1schlüssel", Encoding.UTF8.GetString(hello.Payload));
        await peer.SendAsync(Frames.Welcome(42, 1000, 7, 30));
        await using HubClient client = await connecting.Soon();
        Assert.Equal((42UL, 1000, 7, ConnectionState.Connected), (client.UserId, client.MaxBodyBytes, client.MaxReceivers, client.ConnectionState));
    }

    [Fact]
    public async Task Welcome_may_come_cut_at_each_byte()
    {
        byte[] welcome = Frames.Welcome(3);
        for (int cut = 1; cut < welcome.Length; cut++)
        {
            await using var hub = new ScriptedHub();
            Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options).AsTask();
            Peer peer = await hub.AcceptAsync();
            await peer.ReadAsync();
            await peer.SendBytesAsync(welcome.AsMemory(0, cut));
            await peer.SendBytesAsync(welcome.AsMemory(cut));
            await using HubClient client = await connecting.Soon();
            Assert.Equal(3UL, client.UserId);
        }
    }

    [Theory]
    [InlineData(ProtocolCode.AuthRequired, ReconnectAdvice.WithToken)]
    [InlineData(ProtocolCode.TooManyConnections, ReconnectAdvice.AfterPause)]
    public async Task Goodbye_instead_of_welcome_fails_with_its_code_and_text(ProtocolCode code, ReconnectAdvice advice)
    {
        await using var hub = new ScriptedHub();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options).AsTask();
        Peer peer = await hub.AcceptAsync();
        await peer.SendAsync(Frames.Goodbye(code, "say who you are"));
        var error = await Assert.ThrowsAnyAsync<HubConnectionException>(() => connecting.Soon());
        Assert.Equal((code, "say who you are", advice), (error.Code, error.Text, error.ReconnectAdvice));
        await peer.ReadToEndAsync();
    }

    public static TheoryData<byte[]> NotWelcomes => new(
        "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(),
        Frames.Identity(1),
        Frames.Of(FrameType.Welcome, 2, 0, new byte[16]),
        Frames.Of(FrameType.Welcome, 1, 0, new byte[15]),
        Frames.Welcome(0),
        Frames.Welcome(1UL << 53));

    [Theory]
    [MemberData(nameof(NotWelcomes))]
    public async Task What_is_not_a_welcome_is_a_protocol_error(byte[] bytes)
    {
        await using var hub = new ScriptedHub();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options).AsTask();
        Peer peer = await hub.AcceptAsync();
        await peer.SendAsync(bytes);
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => connecting.Soon());
        Assert.Equal(ProtocolCode.ProtocolError, error.Code);
    }

    [Fact]
    public async Task A_hub_that_does_not_answer_is_given_up_after_the_timeout()
    {
        await using var hub = new ScriptedHub();
        var time = new FakeTimeProvider();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options with { TimeProvider = time, ConnectTimeout = TimeSpan.FromSeconds(5) }).AsTask();
        Peer peer = await hub.AcceptAsync();
        await peer.ReadAsync();
        time.Advance(TimeSpan.FromSeconds(5));
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => connecting.Soon());
        Assert.IsType<TimeoutException>(error.InnerException);
        Assert.Null(error.Code);
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task Connecting_can_be_cancelled()
    {
        await using var hub = new ScriptedHub();
        using var cancel = new CancellationTokenSource();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options, cancel.Token).AsTask();
        Peer peer = await hub.AcceptAsync();
        await peer.ReadAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting.Soon());
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task Nobody_listening_is_a_connection_exception_that_names_the_place()
    {
        using var unused = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        string place = unused.LocalEndPoint!.ToString()!;
        var error = await Assert.ThrowsAsync<HubConnectionException>(() => HubClient.ConnectAsync(place).Soon());
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
        Assert.Null(error.Code);
    }

    [Fact]
    public async Task Deliveries_may_come_in_one_segment_with_the_welcome()
    {
        await using var hub = new ScriptedHub();
        Task<HubClient> connecting = HubClient.ConnectAsync(hub.Options).AsTask();
        Peer peer = await hub.AcceptAsync();
        await peer.SendAsync(Frames.Welcome(1), Frames.Delivery(9, 1, 2, 3));
        await using HubClient client = await connecting.Soon();
        await foreach (Delivery delivery in client.ReceiveAsync())
        {
            Assert.Equal([1, 2, 3], delivery.Body.ToArray());
            delivery.Dispose();
            break;
        }
    }
}
