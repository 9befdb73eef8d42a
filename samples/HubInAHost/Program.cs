// A program that is a hub and one of its users: it greets whoever comes. Others connect as to any hub, with nc, mds or the library:
//
//   dotnet run --project samples/HubInAHost -- 8888
//   nc 127.0.0.1 8888

using System.Globalization;
using System.Net;
using System.Text;
using MessageDelivery.Client;
using MessageDelivery.Hub;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

int port = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : MessageHubOptions.DefaultPort;
HostApplicationBuilder builder = Host.CreateApplicationBuilder();
builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);

// The hub first: services start in this order and stop in the reverse one, so that the client finds it and can say goodbye to it.
builder.Services.AddMessageHub(options => options with { Listen = [new(IPAddress.Loopback, port)], FullQueue = FullQueue.LeaveOut });

// The client is in the same process and needs no socket. It connects again as over one.
builder.Services.AddHubClient((services, options) => options with
{
    ConnectCallback = (_, _) => ValueTask.FromResult(services.GetRequiredService<MessageHub>().ConnectInProcess()),
});
builder.Services.AddHostedService<Greeter>();
await builder.Build().RunAsync();

/// <summary>Greets everybody once.</summary>
internal sealed class Greeter(MessageHub server, HubClient hub) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await hub.WaitUntilConnectedAsync(stoppingToken);
        Console.WriteLine($"listening on {server.Endpoints[0]}; the greeter is {hub.UserId}");
        await foreach (PresenceUpdate update in hub.WatchAsync(stoppingToken))
        {
            foreach (ulong user in update.Joined)
            {
                await hub.RelayAsync(user, Encoding.UTF8.GetBytes($"welcome, {user}\n"), cancellationToken: stoppingToken);
                Console.WriteLine($"greeted {user}");
            }
        }
    }
}
