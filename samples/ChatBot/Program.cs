// A bot that answers whoever writes to it. Run a hub with ./mds serve, then this, then say something to it:
//
//   dotnet run --project samples/ChatBot -- 127.0.0.1:8888
//   ./mds chat          (its id is in what the bot prints: relay 1 what time is it)

using System.Globalization;
using System.Text;
using MessageDelivery.Client;

string address = args.Length > 0 ? args[0] : "127.0.0.1:8888";
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

// Answers are not worth waiting for: who does not read them is left out, and holds up nobody else.
await using var hub = await HubClient.ConnectAsync(HubClientOptions.Parse(address) with { DefaultRelayOptions = RelayOptions.BestEffort });
Console.WriteLine($"I am {hub.UserId}");
try
{
    await foreach (Delivery delivery in hub.ReceiveAsync(stop.Token))
    {
        using (delivery)
        {
            string said = Encoding.UTF8.GetString(delivery.Body.Span).Trim();
            string answer = said.ToUpperInvariant() switch
            {
                "HELLO" or "HI" => $"hello, {delivery.Sender}",
                "WHAT TIME IS IT" => TimeProvider.System.GetLocalNow().ToString("HH:mm", CultureInfo.InvariantCulture),
                "WHO IS HERE" => $"{(await hub.ListAsync(stop.Token)).Count} others",
                _ => "I know: hello, what time is it, who is here",
            };
            Console.WriteLine($"{delivery.Sender}: {said} -> {answer}");
            await hub.RelayAsync(delivery.Sender, Encoding.UTF8.GetBytes(answer), cancellationToken: stop.Token);
        }
    }
}
catch (OperationCanceledException)
{
    Console.WriteLine("goodbye");
}
