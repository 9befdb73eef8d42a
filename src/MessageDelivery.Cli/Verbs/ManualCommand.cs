using System.CommandLine;
using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds manual</c>: the manual page, as packaging/generate stores it. It is for whoever changes the program, and not shown.</summary>
internal static class ManualCommand
{
    public static Command Create()
    {
        var command = new Command("manual", "Print the manual page, for man.") { Hidden = true };
        CommandHelp.Add(command, "packaging/generate stores it.", "mds manual | man -l -");
        command.SetAction(_ =>
        {
            Console.Out.Write(ManualPage.Of(CommandLine.Root()));
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
