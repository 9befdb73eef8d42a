using System.CommandLine;
using System.Text;
using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Client;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds relay</c>: sends one message and prints what became of it for each receiver.</summary>
internal static class RelayCommand
{
    public static Command Create()
    {
        var hub = new HubOptions();
        var to = new Option<string[]>("--to")
        {
            HelpName = "IDS",
            Description = $"The receivers' ids, such as 2,3; at most {ProtocolLimits.MaxReceivers}.",
            Required = true,
        };
        var file = new Option<string?>("--file") { HelpName = "FILE", Description = "Send this file's bytes." };
        var bestEffort = new Option<bool>("--best-effort") { Description = "Leave out a receiver whose queue is full instead of waiting for it." };
        var confirm = new Option<bool>("--confirm") { Description = "Wait until each receiver has acknowledged the message, as long as the hub lets it wait." };
        var noReconnect = new Option<bool>("--no-reconnect") { Description = "Fail at once when the connection is lost instead of taking up the session again." };
        var json = new Option<bool>("--json") { Description = "Print the receipt as one JSON object." };
        var text = new Argument<string[]>("TEXT")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = "What to send; several words are joined by a space. Without TEXT and --file: standard input.",
        };
        var command = new Command("relay", "Send a message to other users and print its receipt.") { to, file, bestEffort, confirm, noReconnect, json, text };
        hub.AddTo(command);
        CommandHelp.Add(
            command,
            $"""
            A text that looks like an option goes behind '--'.
            A body has at most {ProtocolLimits.MaxBodyBytes} bytes and arrives byte for byte as sent. The receipt has a line for each
            receiver: accepted (queued by the hub for that user), held (kept for a user who is away but may come back), unknown, full or
            unreachable. With --confirm: delivered where the receiver has acknowledged it, accepted or held where it has not in time.
            Exit code 1 if the hub did not take it for everyone.
            """,
            "mds relay --to 2,3 hello",
            "mds relay --to 2 --file picture.png",
            "date | mds relay --to 2 --best-effort --json",
            "mds relay --to 2 --confirm \"are you there?\"");
        command.SetAction((arguments, _) => RunAsync(
            hub.Read(arguments),
            ReceiverIds.Parse(arguments.GetValue(to) ?? []),
            () => Body(arguments.GetValue(text) ?? [], arguments.GetValue(file)),
            (arguments.GetValue(bestEffort) ? RelayOptions.BestEffort : RelayOptions.None)
            | (arguments.GetValue(confirm) ? RelayOptions.Confirm : RelayOptions.None),
            arguments.GetValue(noReconnect) ? null : new(),
            arguments.GetValue(json)));
        return command;
    }

    private static Task<int> RunAsync(HubClientOptions hub, ulong[] receivers, Func<byte[]> readBody, RelayOptions options, ReconnectPolicy? reconnect, bool asJson)
    {
        // Before connecting: a person who is still typing need not be a user yet.
        byte[] body = readBody();
        return HubAccess.RunAsync(
            hub,
            clientOptions => clientOptions with { DiscardDeliveries = true, Reconnect = reconnect },
            async (client, cancellationToken) =>
            {
                ReconnectOptions.AnnounceOnError(client);
                var receipt = await client.RelayWithReceiptAsync(receivers, body, options, cancellationToken);
                using var output = Console.OpenStandardOutput();
                if (asJson)
                {
                    JsonLines.WriteReceipt(output, receipt);
                }
                else
                {
                    output.Write(Encoding.UTF8.GetBytes(string.Concat(receipt.Entries.Select(Line))));
                }

                return receipt.AllAccepted ? ExitCode.Ok : ExitCode.NotDelivered;
            });
    }

    private static string Line(ReceiptEntry entry) =>
        $"{entry.Receiver}: {(entry.IsAccepted ? Colors.Good(entry.Outcome.Name()) : Colors.Bad(entry.Outcome.Name()))}\n";

    private static byte[] Body(string[] text, string? file)
    {
        if (file is not null)
        {
            return text.Length == 0
                ? ReadFile(file)
                : throw new CommandException(ExitCode.Usage, "TEXT and --file exclude each other");
        }

        if (text.Length > 0)
        {
            byte[] body = Encoding.UTF8.GetBytes(string.Join(' ', text));
            return body.Length <= ProtocolLimits.MaxBodyBytes ? body : throw TooLong("the text");
        }

        if (!Console.IsInputRedirected)
        {
            Console.Error.WriteLine("Type the body, then Ctrl-D on a line of its own.");
        }

        return ReadAll(Console.OpenStandardInput(), "standard input");
    }

    private static byte[] ReadFile(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            return ReadAll(stream, file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Opening a directory is refused as if it were a matter of permission.
            string why = Directory.Exists(file) ? "it is a directory" : exception.Message;
            throw new CommandException(ExitCode.InputOutput, $"{file} cannot be read: {why}");
        }
    }

    private static byte[] ReadAll(Stream stream, string name)
    {
        byte[] buffer = new byte[ProtocolLimits.MaxBodyBytes + 1];
        int length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return length <= ProtocolLimits.MaxBodyBytes ? buffer[..length] : throw TooLong(name);
    }

    private static CommandException TooLong(string name) =>
        new(ExitCode.Usage, $"{name} has more than {ProtocolLimits.MaxBodyBytes} bytes, the most a body may have");
}
