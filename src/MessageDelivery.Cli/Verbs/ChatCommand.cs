using System.CommandLine;
using MessageDelivery.Cli.Chat;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds chat</c>: a person's session.</summary>
internal static class ChatCommand
{
    public static Command Create()
    {
        var hub = new HubOptions();
        var reconnect = new ReconnectOptions();
        var command = new Command("chat", "Talk to other users, and see what they say.");
        hub.AddTo(command);
        reconnect.AddTo(command);
        CommandHelp.Add(
            command,
            $"""
            What you type:
            {Indented(ChatInput.Help)}

            The arrow keys move in the line and among earlier ones. Without a terminal it reads lines and prints lines.
            """,
            "mds chat --hub 127.0.0.1:1234",
            "printf '/to 2\\nhello\\n' | mds chat");
        command.SetAction((arguments, _) => HubAccess.RunAsync(
            hub.Read(arguments),
            options => reconnect.Configure(arguments, options),
            async (client, cancellationToken) =>
            {
                IChatScreen screen = IsTerminal() ? new TerminalScreen(Console.Out) : new PipeScreen(Console.In, Console.Out);
                try
                {
                    await new ChatSession(client, screen).RunAsync(cancellationToken);
                }
                catch (OperationCanceledException)
                {
                    // Ctrl-C is how many people leave.
                    Console.Out.WriteLine();
                }

                return ExitCode.Ok;
            }));
        return command;
    }

    private static bool IsTerminal() =>
        !Console.IsInputRedirected && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";

    private static string Indented(string text) => string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(line => $"  {line}"));
}
