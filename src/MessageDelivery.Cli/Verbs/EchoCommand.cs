using System.CommandLine;
using System.Text;
using MessageDelivery.Cli.Output;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds echo</c>: sends a text to the hub and prints what comes back.</summary>
internal static class EchoCommand
{
    public static Command Create()
    {
        var hub = new HubOptions();
        var text = new Argument<string[]>("TEXT")
        {
            Arity = ArgumentArity.OneOrMore,
            Description = "What to send; several words are joined by a space.",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var command = new Command("echo", "Send a text to the hub and print what comes back.") { json, text };
        hub.AddTo(command);
        CommandHelp.Add(
            command,
            """A text that looks like an option goes behind '--'. With --json: {"body":"text"}.""",
            "mds echo hello",
            "mds echo -- --json is an option");
        command.SetAction((arguments, _) => HubAccess.RunAsync(
            hub.Read(arguments),
            options => options with { DiscardDeliveries = true },
            async (client, cancellationToken) =>
            {
                byte[] sent = Encoding.UTF8.GetBytes(string.Join(' ', arguments.GetValue(text) ?? []));
                using var answer = await client.EchoAsync(sent, cancellationToken);
                using var output = Console.OpenStandardOutput();
                if (arguments.GetValue(json))
                {
                    JsonLines.WriteBody(output, answer.Memory.Span);
                }
                else
                {
                    output.Write(DisplayText.OfBody(answer.Memory.Span).Span);
                }

                return ExitCode.Ok;
            }));
        return command;
    }
}
