using System.CommandLine;
using MessageDelivery.Cli.Output;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds identity</c>: the id that the hub gives to this connection.</summary>
internal static class IdentityCommand
{
    public static Command Create()
    {
        var hub = new HubOptions();
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var command = new Command("identity", "Print the user id that the hub gives to this command.") { json };
        hub.AddTo(command);
        CommandHelp.Add(
            command,
            """
            Each connection is a user of its own, whose id ends with it. To be somebody who stays, use 'mds listen' or 'mds chat'. With
            --json: {"user":7}.
            """,
            "mds identity --hub 127.0.0.1:1234");
        command.SetAction((arguments, _) => HubAccess.RunAsync(
            hub.Read(arguments),
            options => options with { DiscardDeliveries = true },
            async (client, cancellationToken) =>
            {
                ulong user = await client.GetIdentityAsync(cancellationToken);
                if (arguments.GetValue(json))
                {
                    JsonOutput.Write(new PrintedIdentity(user), OutputJson.Default.PrintedIdentity);
                }
                else
                {
                    Console.Out.WriteLine(user);
                }

                return ExitCode.Ok;
            }));
        return command;
    }
}
