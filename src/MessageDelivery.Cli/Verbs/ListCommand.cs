using System.CommandLine;
using MessageDelivery.Cli.Output;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds list</c>: who else is connected, and who comes and goes.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        var hub = new HubOptions();
        var watch = new Option<bool>("--watch") { Description = "Go on with who comes and goes, until Ctrl-C." };
        var json = new Option<bool>("--json") { Description = "Print JSON objects, one per line." };
        var reconnect = new ReconnectOptions();
        var command = new Command("list", "Print the ids of all users who are connected, one per line.") { watch, json };
        hub.AddTo(command);
        reconnect.AddTo(command);
        CommandHelp.Add(
            command,
            """
            The list is in ascending order, without this command itself, and empty when nobody else is there. With --watch, "+ 7" says
            that 7 came and "- 3" that 3 went; what changed while a connection was lost is told after it. With --json:
            {"users":[2,3]}, and behind it {"joined":[7],"left":[3]} for each change.
            """,
            "mds list",
            "mds list --watch",
            "mds list | xargs -rn255 | tr ' ' , | xargs -rI{} mds relay --to {} \"hello everybody\"");
        command.SetAction((arguments, _) => HubAccess.RunAsync(
            hub.Read(arguments),
            options => (arguments.GetValue(watch) ? reconnect.Configure(arguments, options) : options) with { DiscardDeliveries = true },
            (client, cancellationToken) => arguments.GetValue(watch)
                ? WatchAsync(client, arguments.GetValue(json), cancellationToken)
                : ListAsync(client, arguments.GetValue(json), cancellationToken)));
        return command;
    }

    private static async Task<ExitCode> ListAsync(HubClient client, bool asJson, CancellationToken cancellationToken)
    {
        using var output = new BufferedStream(StandardOutput.Open(), 1 << 16);
        Write(output, await client.ListAsync(cancellationToken), asJson);
        return ExitCode.Ok;
    }

    private static async Task<ExitCode> WatchAsync(HubClient client, bool asJson, CancellationToken cancellationToken)
    {
        ReconnectOptions.AnnounceOnError(client);
        using var output = new BufferedStream(StandardOutput.Open(), 1 << 16);
        try
        {
            await foreach (var update in client.WatchAsync(cancellationToken))
            {
                if (update.IsSnapshot)
                {
                    Write(output, update.Joined, asJson);
                }
                else if (asJson)
                {
                    JsonLines.WritePresence(output, update.Joined, update.Left);
                }
                else
                {
                    WriteLines(output, "+ ", update.Joined);
                    WriteLines(output, "- ", update.Left);
                }

                output.Flush();
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is how it ends.
        }

        return ExitCode.Ok;
    }

    private static void Write(Stream output, IReadOnlyList<ulong> users, bool asJson)
    {
        if (asJson)
        {
            JsonLines.WriteUsers(output, users);
        }
        else
        {
            WriteLines(output, "", users);
        }
    }

    private static void WriteLines(Stream output, string prefix, IEnumerable<ulong> users)
    {
        foreach (ulong user in users)
        {
            output.Write(System.Text.Encoding.UTF8.GetBytes($"{prefix}{user}\n"));
        }
    }
}
