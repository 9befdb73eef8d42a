using System.Net;
using System.Net.Sockets;
using MessageDelivery.Client;
using MessageDelivery.Integration.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests;

/// <summary>An application that is hub and user at once.</summary>
public sealed class HubAndClientInOneHostTests
{
    // One of its own: on 127.0.0.1 somebody else could get the port.
    private static readonly IPAddress Address = IPAddress.Parse("127.0.0.6");

    [Fact]
    public async Task Stopping_does_not_wait_for_a_hub_that_has_said_goodbye()
    {
        int port = FreePort();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddMessageHub(options => options with { Listen = [new(Address, port)] });

        // Who waits for this waits for ever.
        builder.Services.AddHubClient(options => options with { Host = $"{Address}", Port = port, CloseTimeout = Timeout.InfiniteTimeSpan });
        IHost host = builder.Build();
        await host.StartAsync().WaitAsync(RawConnection.Patience);
        HubClient client = host.Services.GetRequiredService<HubClient>();
        await client.WaitUntilConnectedAsync().AsTask().WaitAsync(RawConnection.Patience);

        // Not taken by anybody, so that nothing confirms it: a call that needs a connection.
        Task<Receipt> receipt = client.RelayWithReceiptAsync(client.UserId, "confirm"u8.ToArray(), RelayOptions.Confirm).AsTask();
        await client.GetIdentityAsync().AsTask().WaitAsync(RawConnection.Patience);
        await host.StopAsync().WaitAsync(RawConnection.Patience);
        await ((IAsyncDisposable)host).DisposeAsync().AsTask().WaitAsync(RawConnection.Patience);
        Assert.True(client.Closed.IsCompleted);
        await Assert.ThrowsAnyAsync<HubConnectionException>(() => receipt.WaitAsync(RawConnection.Patience));
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(Address, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
