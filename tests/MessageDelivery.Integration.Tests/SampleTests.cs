using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Client;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>The programs of <c>samples</c> do what their first lines say.</summary>
public sealed class SampleTests
{
    /// <summary>The program where its own build puts it: beside these tests stands what they need, and not what a sample needs.</summary>
    private static string Sample(string name) => Path.Combine("..", "..", name, new DirectoryInfo(AppContext.BaseDirectory).Name, name);

    [Fact]
    public async Task The_chat_bot_answers()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var bot = MdsProcess.Start([$"{hub.Endpoint}"], readsLines: true, program: Sample("ChatBot"));
        Assert.Equal("I am 1", await bot.ReadLineAsync());
        await using var user = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        await user.SendAsync(Frames.Relay(1, "hi"u8.ToArray()), Frames.Relay(1, "who is here\n"u8.ToArray()), Frames.Relay(1, [255]));
        await user.ExpectAsync(
            Frames.Delivery(1, "hello, 2"u8.ToArray()), Frames.Delivery(1, "1 others"u8.ToArray()),
            Frames.Delivery(1, "I know: hello, what time is it, who is here"u8.ToArray()));
        Assert.Equal("2: hi -> hello, 2", await bot.ReadLineAsync());
        Assert.Equal("2: who is here -> 1 others", await bot.ReadLineAsync());
        Assert.NotNull(await bot.ReadLineAsync());
        bot.Signal(MdsProcess.SigInt);
        Assert.Equal("goodbye", await bot.ReadLineAsync());
        Assert.Equal(0, (await bot.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task The_worker_confirms()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var worker = MdsProcess.Start(
            [string.Create(CultureInfo.InvariantCulture, $"--Hub:Port={hub.Endpoint.Port}")], readsLines: true, program: Sample("ConfirmingWorker"));
        Assert.Equal("worker 1 is ready", await worker.ReadLineAsync());
        await using var asker = await HubClient.ConnectAsync($"{hub.Endpoint}");
        await asker.RelayAsync(1, "hello 42"u8.ToArray());
        await using IAsyncEnumerator<Delivery> deliveries = asker.ReceiveAsync().GetAsyncEnumerator();
        Assert.True(await deliveries.MoveNextAsync().AsTask().WaitAsync(RawConnection.Patience));
        Assert.Equal((1UL, "5 letters"), (deliveries.Current.Sender, Encoding.UTF8.GetString(deliveries.Current.Body.Span)));
        deliveries.Current.Dispose();
        Assert.Equal("2 asked for 'hello 42': 5 letters, Delivered", await worker.ReadLineAsync());
        worker.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await worker.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task The_host_is_a_hub_and_a_user()
    {
        int port = FreePort();
        await using var host = MdsProcess.Start([port.ToString(CultureInfo.InvariantCulture)], readsLines: true, program: Sample("HubInAHost"));
        Assert.Equal($"listening on 127.0.0.1:{port}; the greeter is 1", await host.ReadLineAsync());
        await using var user = await (await RawConnection.ConnectAsync(new(IPAddress.Loopback, port))).HelloAsync();
        await user.ExpectAsync(Frames.Delivery(1, "welcome, 2\n"u8.ToArray()));
        Assert.Equal("greeted 2", await host.ReadLineAsync());
        host.Signal(MdsProcess.SigTerm);
        Assert.Equal(0, (await host.EndAsync()).ExitCode);

        // The client did not try before the hub was there, which would be a warning.
        Assert.DoesNotContain("warn", host.Error, StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
