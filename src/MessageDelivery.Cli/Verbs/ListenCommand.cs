using System.CommandLine;
using System.Text;
using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Usage;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds listen</c>: prints the messages that arrive.</summary>
internal static class ListenCommand
{
    private enum Form
    {
        Text,
        Json,
        Raw,
    }

    public static Command Create()
    {
        var hub = new HubOptions();
        var json = new Option<bool>("--json") { Description = "Print each message as one JSON object on a line of its own." };
        var raw = new Option<bool>("--raw") { Description = "Print the bodies only, byte for byte, with nothing between them." };
        var count = new ValueOption<long>(
            "--count", "N", "End after so many messages. Default: go on until Ctrl-C.", text => HubSettings.Number(text, 1, long.MaxValue));
        var reconnect = new ReconnectOptions();
        var command = new Command("listen", "Print the messages that arrive.") { json, raw, count.Option };
        hub.AddTo(command);
        reconnect.AddTo(command);
        Switches.Exclude(command, json, raw);
        CommandHelp.Add(
            command,
            """
            Its own id goes to stderr at the start; so do lost connections, and whether the session went on after them or this is a new
            user. A message is printed as "SENDER: body", further lines of it as "SENDER| body",
            with control bytes as \xNN. With --json: {"sender":7,"body":"text"}, or "base64" instead of "body" where it is not UTF-8.
            """,
            "mds listen",
            "mds listen --json | jq .body",
            "mds listen --raw --count 1 > picture.png");
        command.SetAction((arguments, _) =>
        {
            var form = arguments.GetValue(json) ? Form.Json : arguments.GetValue(raw) ? Form.Raw : Form.Text;
            long? most = count.Read(arguments);
            return HubAccess.RunAsync(
                hub.Read(arguments),
                options => reconnect.Configure(arguments, options),
                (client, cancellationToken) => ListenAsync(client, form, most, cancellationToken));
        });
        return command;
    }

    private static async Task<ExitCode> ListenAsync(HubClient client, Form form, long? count, CancellationToken cancellationToken)
    {
        Console.Error.WriteLine($"listening as user {client.UserId}");
        ReconnectOptions.AnnounceOnError(client);
        client.IdentityChanged += (_, change) => Console.Error.WriteLine($"listening as user {change.NewUserId}");
        using var output = new BufferedStream(StandardOutput.Open(), 1 << 16);
        await using var deliveries = client.ReceiveAsync(cancellationToken).GetAsyncEnumerator(CancellationToken.None);
        try
        {
            for (long remaining = count ?? long.MaxValue; remaining > 0; remaining--)
            {
                // What is there already is written at one go; before waiting for more, all of it is out.
                var next = deliveries.MoveNextAsync();
                if (!next.IsCompleted)
                {
                    output.Flush();
                }

                if (!await next)
                {
                    break;
                }

                using var delivery = deliveries.Current;
                Write(output, form, delivery);
            }

            output.Flush();
            return ExitCode.Ok;
        }
        catch (OperationCanceledException) when (count is null)
        {
            output.Flush();
            return ExitCode.Ok;
        }
    }

    private static void Write(Stream output, Form form, Delivery delivery)
    {
        var body = delivery.Body.Span;
        switch (form)
        {
            case Form.Json:
                JsonLines.WriteBody(output, body, delivery.Sender);
                break;
            case Form.Raw:
                output.Write(body);
                break;
            default:
                output.Write(Encoding.UTF8.GetBytes(DisplayText.OfDelivery(delivery.Sender, body)));
                break;
        }
    }
}
