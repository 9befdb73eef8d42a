using System.Text;
using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Cli.Completion;

/// <summary>The script for bash 4 and later. It needs no package of completions.</summary>
internal static class BashCompletion
{
    private const string Beginning = """
        # Completion of mds for bash; made by 'mds completion bash'.
        _mds() {
            local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD - 1]}" verb="" words="" i
            COMPREPLY=()
            # bash takes --option=value apart: into three words, or two while there is no value yet.
            if [[ $word == "=" ]]; then
                word=""
            elif [[ $before == "=" ]]; then
                before="${COMP_WORDS[COMP_CWORD - 2]}"
            fi
            for ((i = 1; i < COMP_CWORD; i++)); do
                # What follows is text.
                if [[ ${COMP_WORDS[i]} == "--" ]]; then return; fi
                case "$verb ${COMP_WORDS[i]}" in
        """;

    private const string Middle = """
                esac
            done
            case "$verb" in
        """;

    private const string End = """
            esac
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
        }
        complete -F _mds mds
        """;

    public static string Of(IReadOnlyList<Verb> verbs)
    {
        var script = new StringBuilder();
        script.Line(Beginning);
        script.Line($"        {CompletionScript.Steps(verbs)}) verb=\"${{verb:+$verb }}${{COMP_WORDS[i]}}\" ;;");
        script.Line(Middle);
        foreach (var verb in verbs)
        {
            script.Line($"    \"{verb.Path}\")");
            CompletionScript.WriteValues(script, verb, " | ", CaseOf);
            var words = verb.Verbs.Select(below => below.Name).Concat(verb.ArgumentValues).Concat(verb.Options.SelectMany(CompletionScript.NamesOf).Where(IsLong));
            script.Line($"        words+={CompletionScript.Quoted(string.Join(' ', words))}");
            script.Line("        ;;");
        }

        script.Line(End);
        return script.ToString();
    }

    private static string CaseOf(string pattern, IReadOnlyList<string>? values, bool isOptional) => values switch
    {
        null => $$"""
            {{pattern}}
                        mapfile -t COMPREPLY < <(compgen -f -- "$word")
                        compopt -o filenames 2>/dev/null
                        return
                        ;;
            """,
        [] => $"{pattern} return ;;",
        _ when isOptional => $"{pattern} words={CompletionScript.Quoted($"{string.Join(' ', values)} ")} ;;",
        _ => $$"""
            {{pattern}}
                        mapfile -t COMPREPLY < <(compgen -W {{CompletionScript.Quoted(string.Join(' ', values))}} -- "$word")
                        return
                        ;;
            """,
    };

    private static bool IsLong(string name) => name.StartsWith("--", StringComparison.Ordinal);
}
