using System.Text;
using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Cli.Completion;

/// <summary>The script for fish.</summary>
internal static class FishCompletion
{
    private const string Beginning = """
        # Completion of mds for fish; made by 'mds completion fish'.
        function __mds_at --description 'Whether the command line has come to this verb of mds'
            set -l verb ""
            set -l words (commandline -opc)
            set -e words[1]
            for word in $words
                # What follows is text.
                if test "$word" = --
                    return 1
                end
                switch "$verb $word"
        """;

    private const string End = """
                        set verb (string trim -- "$verb $word")
                end
            end
            test "$verb" = "$argv[1]"
        end

        complete -c mds -f
        """;

    public static string Of(IReadOnlyList<Verb> verbs)
    {
        var script = new StringBuilder();
        script.Line(Beginning);
        script.Line($"            case {CompletionScript.Steps(verbs).Replace(" | ", " ", StringComparison.Ordinal)}");
        script.Line(End);
        foreach (var verb in verbs)
        {
            string at = $"complete -c mds -n '__mds_at \"{verb.Path}\"'";
            foreach (var below in verb.Verbs)
            {
                script.Line($"{at} -a {below.Name} -d {Quoted(CompletionScript.Brief(below.Description))}");
            }

            if (verb.ArgumentValues.ToList() is { Count: > 0 } values)
            {
                script.Line($"{at} -a {Quoted(string.Join(' ', values))}");
            }

            foreach (var option in verb.Options)
            {
                var choices = CommandTree.ValuesOf(option);
                string names = string.Concat(CompletionScript.NamesOf(option).Where(name => name != "-?").Select(Named));
                string value = !CommandTree.NeedsValue(option) ? ""
                    : option.HelpName == CommandTree.FileValue ? " -r -F"
                    : " -x";
                string among = CommandTree.NeedsValue(option) && choices.Count > 0 ? $" -a {Quoted(string.Join(' ', choices))}" : "";
                script.Line($"{at}{names}{value}{among} -d {Quoted(CompletionScript.Brief(option.Description))}");
            }
        }

        return script.ToString();
    }

    private static string Named(string name) => name.StartsWith("--", StringComparison.Ordinal) ? $" -l {name[2..]}" : $" -s {name[1..]}";

    // In fish's single quotes a backslash takes away the meaning of a quote, and of itself.
    private static string Quoted(string text) =>
        $"'{text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal)}'";
}
