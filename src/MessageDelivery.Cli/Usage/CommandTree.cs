using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;

namespace MessageDelivery.Cli.Usage;

/// <summary>A verb with all that may stand behind it.</summary>
/// <param name="Path">The words that name it behind <c>mds</c>, such as <c>bench pairs</c>; empty for the command itself.</param>
/// <param name="Command">The verb.</param>
/// <param name="Options">Its options, and those it has from the verbs above it.</param>
internal sealed record Verb(string Path, Command Command, IReadOnlyList<Option> Options)
{
    /// <summary>The verbs below it.</summary>
    public IEnumerable<Command> Verbs => Command.Subcommands.Where(verb => !verb.Hidden);

    /// <summary>The closed sets of values that its arguments have.</summary>
    public IEnumerable<string> ArgumentValues => Command.Arguments.SelectMany(CommandTree.ValuesOf);
}

/// <summary>What completion and the manual page are made from: every verb with its options, and the values that these can have.</summary>
internal static class CommandTree
{
    /// <summary>The value name of an option that takes the name of a file.</summary>
    public const string FileValue = "FILE";

    /// <summary>The command itself, then every verb that is shown, each before those below it.</summary>
    public static IReadOnlyList<Verb> VerbsOf(RootCommand root)
    {
        var verbs = new List<Verb>();
        Add(root, "", []);
        return verbs;

        void Add(Command command, string path, IReadOnlyList<Option> inherited)
        {
            var own = command.Options.Where(option => !option.Hidden).ToList();
            var options = own.Concat(inherited.Where(option => own.All(other => other.Name != option.Name))).ToList();
            verbs.Add(new(path, command, options));
            foreach (var verb in command.Subcommands.Where(verb => !verb.Hidden))
            {
                Add(verb, path.Length == 0 ? verb.Name : $"{path} {verb.Name}", [.. options.Where(option => option.Recursive)]);
            }
        }
    }

    /// <summary>The options that a command line may have: the verb's own, and those it has from the verbs above it.</summary>
    public static IReadOnlyList<Option> OptionsOf(CommandResult result)
    {
        var options = result.Command.Options.ToList();
        for (var above = result.Parent as CommandResult; above is not null; above = above.Parent as CommandResult)
        {
            options.AddRange(above.Command.Options.Where(option => option.Recursive));
        }

        return options;
    }

    /// <summary>Whether something stands behind the option, or may.</summary>
    public static bool TakesValue(Option option) => option.Arity.MaximumNumberOfValues > 0;

    /// <summary>Whether the next word is the option's value, whatever it is.</summary>
    public static bool NeedsValue(Option option) => option.Arity.MinimumNumberOfValues > 0;

    /// <summary>All values that an option can have, in their order; empty where there are too many.</summary>
    public static IReadOnlyList<string> ValuesOf(Option option) =>
        !TakesValue(option) ? []
        : LabelsOf(option.CompletionSources) is { Count: > 0 } values ? values
        : option.HelpName?.Contains('|', StringComparison.Ordinal) == true ? option.HelpName.Split('|')
        : [];

    /// <summary>The same for an argument.</summary>
    public static IReadOnlyList<string> ValuesOf(Argument argument) => LabelsOf(argument.CompletionSources);

    private static List<string> LabelsOf(List<Func<CompletionContext, IEnumerable<CompletionItem>>> sources) =>
        [.. sources.SelectMany(source => source(CompletionContext.Empty)).Select(item => item.Label)];
}
