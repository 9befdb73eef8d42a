using System.CommandLine;
using System.Text;
using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Cli.Completion;

/// <summary>The scripts with which shells complete the command, made from its verbs and options.</summary>
internal static class CompletionScript
{
    private static readonly Dictionary<string, Func<IReadOnlyList<Verb>, string>> Writers = new()
    {
        ["bash"] = BashCompletion.Of,
        ["zsh"] = ZshCompletion.Of,
        ["fish"] = FishCompletion.Of,
    };

    /// <summary>The shells there is a script for.</summary>
    public static IReadOnlyCollection<string> Shells => Writers.Keys;

    /// <summary>The script for a shell; it ends with a line end.</summary>
    /// <param name="shell">One of <see cref="Shells"/>.</param>
    /// <param name="root">The command.</param>
    public static string For(string shell, RootCommand root) => Writers[shell](CommandTree.VerbsOf(root));

    /// <summary>Writes, for bash and zsh, a <c>case</c> of the word before: what may follow the verb's options that take values.</summary>
    /// <param name="separator">Stands between two names in a pattern.</param>
    /// <param name="caseOf">
    /// Makes one case of its pattern, the values of its options (null for names of files, empty where nobody knows them), and whether there
    /// may be no value at all.
    /// </param>
    public static void WriteValues(StringBuilder script, Verb verb, string separator, Func<string, IReadOnlyList<string>?, bool, string> caseOf)
    {
        var groups = verb.Options
            .Where(CommandTree.TakesValue)
            .Where(option => CommandTree.NeedsValue(option) || CommandTree.ValuesOf(option).Count > 0)
            .GroupBy(option => option.HelpName == CommandTree.FileValue ? CommandTree.FileValue : string.Join(' ', CommandTree.ValuesOf(option)))
            .OrderBy(group => group.Key.Length == 0).ToList();
        if (groups.Count == 0)
        {
            return;
        }

        script.Line("        case \"$before\" in");
        foreach (var group in groups)
        {
            script.Line(caseOf(
                $"        {string.Join(separator, group.Select(option => option.Name))})",
                group.Key == CommandTree.FileValue ? null : CommandTree.ValuesOf(group.First()),
                group.Any(option => !CommandTree.NeedsValue(option))));
        }

        script.Line("        esac");
    }

    /// <summary>All names of an option.</summary>
    public static IEnumerable<string> NamesOf(Option option) => [option.Name, .. option.Aliases];

    /// <summary>The pattern of a <c>case</c> that leads from each verb to those below it: <c>" bench" | "bench pairs"</c>.</summary>
    public static string Steps(IReadOnlyList<Verb> verbs) =>
        string.Join(" | ", verbs.Where(verb => verb.Path.Length > 0).Select(verb =>
            verb.Path.Contains(' ', StringComparison.Ordinal) ? $"\"{verb.Path}\"" : $"\" {verb.Path}\""));

    /// <summary>A text in single quotes, for bash and zsh.</summary>
    public static string Quoted(string text) => $"'{text.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    /// <summary>The first sentence of a description, without its full stop.</summary>
    public static string Brief(string? description)
    {
        string text = (description ?? "").ReplaceLineEndings(" ");
        int end = text.IndexOf(". ", StringComparison.Ordinal);
        return (end < 0 ? text : text[..end]).TrimEnd('.');
    }
}
