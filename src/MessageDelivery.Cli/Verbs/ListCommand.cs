using System.CommandLine;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds list</c>: who else is connected.</summary>
internal static class ListCommand
{
    public static Command Create()
    {
        var hub = HubAccess.CreateOption();
        var command = new Command("list", "Print the ids of all users who are connected, one per line.") { hub };
        CommandHelp.Add(
            command,
            "The list is in ascending order, without this command itself, and empty when nobody else is there.",
            "mds list",
            "mds relay --to $(mds list | paste -sd,) \"hello everybody\"");
        command.SetAction((arguments, _) => HubAccess.RunAsync(
            arguments.GetValue(hub),
            options => options with { DiscardDeliveries = true },
            async (client, cancellationToken) =>
            {
                using var output = new StreamWriter(Console.OpenStandardOutput());
                foreach (ulong user in await client.ListAsync(cancellationToken).ConfigureAwait(false))
                {
                    output.WriteLine(user);
                }

                return ExitCode.Ok;
            }));
        return command;
    }
}
