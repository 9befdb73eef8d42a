using System.Text;
using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Cli.Completion;

/// <summary>The script for zsh: a file <c>_mds</c> in a folder of <c>$fpath</c>, or to be sourced behind <c>compinit</c>.</summary>
internal static class ZshCompletion
{
    private const string Beginning = """
        #compdef mds
        # Completion of mds for zsh; made by 'mds completion zsh'.
        _mds() {
            local before="${words[CURRENT-1]}" verb="" i
            local -a verbs options values
            for ((i = 2; i < CURRENT; i++)); do
                # What follows is text.
                if [[ "${words[i]}" == "--" ]]; then return 1; fi
                case "$verb ${words[i]}" in
        """;

    private const string Middle = """
                esac
            done
            if [[ "$PREFIX" == --*=* ]]; then
                before="${PREFIX%%=*}"
                compset -P '*='
            fi
            case "$verb" in
        """;

    private const string End = """
            esac
            if ((${#verbs})); then _describe -t verbs verb verbs; fi
            if ((${#values})); then compadd -- "${values[@]}"; fi
            _describe -o -t options option options
        }
        if [[ "${funcstack[1]}" == "_mds" ]]; then
            _mds "$@"
        else
            compdef _mds mds
        fi
        """;

    public static string Of(IReadOnlyList<Verb> verbs)
    {
        var script = new StringBuilder();
        script.Line(Beginning);
        script.Line($"        {CompletionScript.Steps(verbs).Replace(" | ", "|", StringComparison.Ordinal)}) verb=\"${{verb:+$verb }}${{words[i]}}\" ;;");
        script.Line(Middle);
        foreach (var verb in verbs)
        {
            script.Line($"    \"{verb.Path}\")");
            CompletionScript.WriteValues(script, verb, "|", CaseOf);
            WriteList(script, "verbs", verb.Verbs.Select(below => (below.Name, below.Description)));
            if (verb.ArgumentValues.ToList() is { Count: > 0 } values)
            {
                script.Line($"        values+=({string.Join(' ', values)})");
            }

            WriteList(script, "options", verb.Options.Select(option => (option.Name, option.Description)));
            script.Line("        ;;");
        }

        script.Line(End);
        return script.ToString();
    }

    private static string CaseOf(string pattern, IReadOnlyList<string>? values, bool isOptional) => values switch
    {
        null => $"{pattern} _files; return ;;",
        [] => $"{pattern} return 1 ;;",
        _ when isOptional => $"{pattern} values=({string.Join(' ', values)}) ;;",
        _ => $"{pattern} compadd -- {string.Join(' ', values)}; return ;;",
    };

    private static void WriteList(StringBuilder script, string name, IEnumerable<(string Word, string? Description)> entries)
    {
        var all = entries.ToList();
        if (all.Count == 0)
        {
            return;
        }

        script.Line($"        {name}=(");
        foreach (var (word, description) in all)
        {
            script.Line($"            {CompletionScript.Quoted($"{word}:{CompletionScript.Brief(description)}")}");
        }

        script.Line("        )");
    }
}
