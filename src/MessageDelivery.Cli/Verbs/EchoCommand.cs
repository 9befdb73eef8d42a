using System.CommandLine;
using System.Text;
using MessageDelivery.Cli.Output;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds echo</c>: sends a text to the hub and prints what comes back.</summary>
internal static class EchoCommand
{
    public static Command Create()
    {
        var hub = HubAccess.CreateOption();
        var text = new Argument<string[]>("TEXT")
        {
            Arity = ArgumentArity.OneOrMore,
            Description = "What to send; several words are joined by a space.",
        };
        var command = new Command("echo", "Send a text to the hub and print what comes back.") { hub, text };
        CommandHelp.Add(command, "A text that begins with a hyphen goes behind '--'.", "mds echo hello", "mds echo -- -5 degrees");
        command.SetAction((arguments, _) => HubAccess.RunAsync(
            HubAccess.Read(arguments, hub),
            options => options with { DiscardDeliveries = true },
            async (client, cancellationToken) =>
            {
                byte[] sent = Encoding.UTF8.GetBytes(string.Join(' ', arguments.GetValue(text) ?? []));
                using var answer = await client.EchoAsync(sent, cancellationToken).ConfigureAwait(false);
                using var output = Console.OpenStandardOutput();
                output.Write(DisplayText.OfBody(answer.Memory.Span).Span);
                return ExitCode.Ok;
            }));
        return command;
    }
}
