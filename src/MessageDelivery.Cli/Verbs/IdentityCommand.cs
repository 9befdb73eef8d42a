using System.CommandLine;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds identity</c>: the id that the hub gives to this connection.</summary>
internal static class IdentityCommand
{
    public static Command Create()
    {
        var hub = HubAccess.CreateOption();
        var command = new Command("identity", "Print the user id that the hub gives to this command.") { hub };
        CommandHelp.Add(
            command,
            "Each connection is a user of its own, whose id ends with it. To be somebody who stays, use 'mds listen' or 'mds chat'.",
            "mds identity --hub 127.0.0.1:1234");
        command.SetAction((arguments, _) => HubAccess.RunAsync(
            HubAccess.Read(arguments, hub),
            options => options with { DiscardDeliveries = true },
            async (client, cancellationToken) =>
            {
                Console.Out.WriteLine(await client.GetIdentityAsync(cancellationToken).ConfigureAwait(false));
                return ExitCode.Ok;
            }));
        return command;
    }
}
