using System.Buffers;
using System.CommandLine;
using System.CommandLine.Invocation;

namespace MessageDelivery.Cli.Usage;

/// <summary>What is wrong with a command line, in one sentence that names the word.</summary>
internal static class UsageError
{
    private static readonly SearchValues<char> s_digitsAndPoint = SearchValues.Create("0123456789.");

    /// <summary>The fault of a command line; null where it has none, or asks for help or the version.</summary>
    /// <param name="parsed">What was understood.</param>
    /// <param name="words">The words that it was understood from.</param>
    public static string? Find(ParseResult parsed, IReadOnlyList<string> words)
    {
        if (parsed.Action is { ClearsParseErrors: true })
        {
            return null;
        }

        // The parser takes an unknown option for a text, and sends it.
        if (UnknownOption(parsed, words) is { } unknown)
        {
            return unknown;
        }

        if (parsed.Action is not ParseErrorAction)
        {
            return null;
        }

        var command = parsed.CommandResult.Command;
        // The first word that was not understood: those behind it may be its values.
        return parsed.UnmatchedTokens is not [var word, ..] ? parsed.Errors[^1].Message
            : command.Subcommands.Count > 0 && command.Arguments.Count == 0 && !word.StartsWith('-') ? UnknownVerb(command, word)
            : $"Unrecognized command or argument '{word}'.";
    }

    /// <summary>Says that a command has no such verb, and which one may have been meant.</summary>
    public static string UnknownVerb(Command command, string word)
    {
        string? near = NearestName.Of(word, command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name));
        string of = command is RootCommand ? "" : $"'mds {command.Name}' has ";
        string there = of.Length == 0 ? "there is no verb" : "no verb";
        return near is null ? $"{of}{there} '{word}'." : $"{of}{there} '{word}'; did you mean '{near}'?";
    }

    /// <summary>Says which word in front of <c>--</c> looks like an option and is none.</summary>
    private static string? UnknownOption(ParseResult parsed, IReadOnlyList<string> words)
    {
        var options = CommandTree.OptionsOf(parsed.CommandResult);
        Option? before = null;
        foreach (string word in words.TakeWhile(word => word != "--"))
        {
            string name = word.Split('=', ':')[0];
            var option = options.FirstOrDefault(option => option.Name == name || option.Aliases.Contains(name));
            if (option is null && LooksLikeOption(word))
            {
                return Describe(parsed.CommandResult.Command, options, before, word, name);
            }

            before = option is { Arity.MaximumNumberOfValues: > 0 } && name == word ? option : null;
        }

        return null;
    }

    private static string Describe(Command command, IReadOnlyList<Option> options, Option? before, string word, string name)
    {
        string? near = NearestName.Of(name, options.Where(option => !option.Hidden).Select(option => option.Name));
        string sentence = near is null ? $"unknown option '{name}'." : $"unknown option '{name}'; did you mean '{near}'?";
        return before is not null ? $"{sentence} As the value of {before.Name} it is written {before.Name}={word}."
            : command.Arguments.Count > 0 ? $"{sentence} What begins with a hyphen and is no option goes behind '--'."
            : sentence;
    }

    /// <summary>
    /// A lone hyphen, a hyphen in front of a blank, as in a list, and a negative number are texts: no option is called so.
    /// </summary>
    private static bool LooksLikeOption(string word) =>
        word.Length > 1 && word[0] == '-' && !char.IsWhiteSpace(word[1]) && !IsNumber(word.AsSpan(1));

    private static bool IsNumber(ReadOnlySpan<char> digits) =>
        digits.Count('.') <= 1 && digits.ContainsAnyInRange('0', '9') && !digits.ContainsAnyExcept(s_digitsAndPoint);
}
