using System.CommandLine;
using MessageDelivery.Cli.Completion;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds completion</c>: the script with which a shell completes this command.</summary>
internal static class CompletionCommand
{
    public static Command Create()
    {
        string shells = string.Join(", ", CompletionScript.Shells);
        var shell = new Argument<string>("SHELL") { HelpName = "SHELL", Description = $"The shell: {shells}." };
        shell.CompletionSources.Add([.. CompletionScript.Shells]);
        var command = new Command("completion", "Print a script with which a shell completes this command.") { shell };
        CommandHelp.Add(
            command,
            """
            The script knows all verbs, their options, and the values of those that have only a few; it needs nothing else, and does not
            run this command. The Debian package has the three in the places where shells look for them. Elsewhere, for one user:
            bash: ~/.local/share/bash-completion/completions/mds; fish: ~/.config/fish/completions/mds.fish; zsh: a file _mds in a folder
            of $fpath.
            """,
            "source <(mds completion bash)",
            "mds completion fish > ~/.config/fish/completions/mds.fish");
        command.SetAction(arguments =>
        {
            string name = arguments.GetValue(shell)!;
            Console.Out.Write(CompletionScript.Shells.Contains(name)
                ? CompletionScript.For(name, CommandLine.Root())
                : throw new CommandException(ExitCode.Usage, $"there is no completion for '{name}'; there is one for {shells}"));
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
