// A worker in a host. It takes jobs that others send to it, and sends each result to whoever asked, until that one has it: a result
// that was not delivered is kept and sent again. Its options come from configuration, here the command line:
//
//   dotnet run --project samples/ConfirmingWorker -- --Hub:Port=8888

using System.Text;
using MessageDelivery.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
builder.Services.AddHubClient(builder.Configuration.GetSection("Hub"));
builder.Services.AddHostedService<Worker>();
await builder.Build().RunAsync();

/// <summary>Counts the letters of what it is sent.</summary>
internal sealed class Worker(HubClient hub, ILogger<Worker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await hub.WaitUntilConnectedAsync(stoppingToken);
        Console.WriteLine($"worker {hub.UserId} is ready");
        await foreach (Delivery delivery in hub.ReceiveAsync(stoppingToken))
        {
            ulong asker = delivery.Sender;
            string job = Encoding.UTF8.GetString(delivery.Body.Span).TrimEnd('\n');

            // Disposed of before the result is sent: so it is acknowledged, and whoever waits for that need not wait for this worker.
            delivery.Dispose();
            await SendResultAsync(asker, job, $"{job.Count(char.IsLetter)} letters", stoppingToken);
        }
    }

    private async Task SendResultAsync(ulong asker, string job, string result, CancellationToken stopping)
    {
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            try
            {
                Receipt receipt = await hub.RelayWithReceiptAsync(asker, Encoding.UTF8.GetBytes(result), RelayOptions.Confirm, stopping);
                ReceiptEntry entry = receipt.Entries[0];
                Console.WriteLine($"{asker} asked for '{job}': {result}, {entry.Outcome}");

                // Held: the hub keeps it for an asker who is away. Unknown: nobody is there to have it.
                if (entry.IsAccepted || entry.Outcome == MessageDelivery.Protocol.Outcome.Unknown)
                {
                    return;
                }
            }
            catch (HubSessionLostException lost)
            {
                // The session ended on the way; whether the asker has the result is not known. Results may come twice, so they may be sent again.
                logger.LogWarning("attempt {Attempt} for {Asker}: {Reason}", attempt, asker, lost.Message);
                await hub.WaitUntilConnectedAsync(stopping);
            }
        }
    }
}
