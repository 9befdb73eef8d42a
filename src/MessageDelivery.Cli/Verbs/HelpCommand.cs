using System.CommandLine;
using System.CommandLine.Completions;
using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds help</c>: what <c>--help</c> behind a verb says, too.</summary>
internal static class HelpCommand
{
    public static Command Create(RootCommand root)
    {
        var verb = new Argument<string[]>("VERB")
        {
            HelpName = "VERB",
            Arity = ArgumentArity.ZeroOrMore,
            Description = "The verb to explain, such as 'relay' or 'token add'. Without: what there is.",
        };
        verb.CompletionSources.Add(_ => root.Subcommands.Where(command => !command.Hidden).Select(command => new CompletionItem(command.Name)));
        var help = new Command("help", "Explain the command, or one of its verbs.") { verb };
        CommandHelp.Add(help, "'mds help relay' is 'mds relay --help'.", "mds help", "mds help relay", "mds help bench pairs");
        help.SetAction(arguments =>
        {
            string[] words = arguments.GetValue(verb) ?? [];
            Command command = root;
            foreach (string word in words)
            {
                command = command.Subcommands.FirstOrDefault(below => below.Name == word)
                    ?? throw new CommandException(ExitCode.Usage, $"{UsageError.UnknownVerb(command, word)} Try 'mds help'.");
            }

            return root.Parse([.. words, "--help"]).Invoke();
        });
        return help;
    }
}
