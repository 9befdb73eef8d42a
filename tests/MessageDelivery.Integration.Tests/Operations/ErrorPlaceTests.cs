using System.CommandLine;
using System.Text.RegularExpressions;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>
/// Every option of every verb with values that nobody means: what is said names the option, the variable or the file, and nothing of our code;
/// without a process, and without a hub.
/// </summary>
public sealed partial class ErrorPlaceTests
{
    private const string Nowhere = "127.0.0.1:1";

    private static readonly string[] Values =
        ["", " ", "-1", "/", "/nowhere/file", "/dev/null", "99999999999999999999", "1e400", "é\u202e", "a,b", "[::1", "\u0001", new('x', 20_000)];

    /// <summary>What a verb wants beside the option that is tried, so that it gets to look at it.</summary>
    private static readonly Dictionary<string, string[]> Wanted = new()
    {
        ["echo"] = ["hello"],
        ["relay"] = ["--to", "1", "hello"],
        ["bench pairs"] = [],
        ["bench fan-out"] = [],
        ["bench fan-in"] = [],
        ["bench mesh"] = [],
        ["bench rtt"] = [],
        ["attack"] = [Nowhere, "--yes", "--seconds", "1"],
        ["token add"] = ["alice", "--file", "/nowhere/tokens.json"],
        ["token admin"] = ["alice", "--file", "/nowhere/tokens.json"],
        ["token list"] = ["--file", "/nowhere/tokens.json"],
        ["token remove"] = ["alice", "--file", "/nowhere/tokens.json"],
        ["token jwt"] = ["--secret", "/nowhere/secret", "--sub", "alice", "--issuer", "me", "--audience", "hub"],
    };

    /// <summary>Those that take the settings of a hub: SettingsTests tries these, and they would begin to serve.</summary>
    private static readonly string[] OfSettings = ["serve", "check-config", "doctor"];

    public static TheoryData<string> Verbs => [.. Leaves(Cli.CommandLine.Root(), "").Select(leaf => leaf.Path).Where(path => !OfSettings.Contains(path))];

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task What_is_said_of_an_option_names_it(string verb)
    {
        var command = Leaves(Cli.CommandLine.Root(), "").Single(leaf => leaf.Path == verb);
        foreach (var option in command.Options.Where(option => option.ValueType != typeof(bool) && option.Name is not ("--help" or "--version")))
        {
            // What is no path of a folder that is there would be made in the working directory.
            foreach (string value in Values.Where(value => option.HelpName != "FILE" || string.IsNullOrWhiteSpace(value) || value is "/" or "/nowhere/file"))
            {
                var (exitCode, message) = await Cli.CommandLine.TryAsync(Arguments(verb, command, option.Name, value));
                string told = $"{verb} {option.Name} '{value[..Math.Min(value.Length, 30)]}': {exitCode} {message?[..Math.Min(message.Length, 500)]}";
                Assert.NotEqual((int)ExitCode.Defect, exitCode);
                Assert.False(OfCode().IsMatch(message ?? ""), told);
                if (exitCode == (int)ExitCode.Usage)
                {
                    Assert.True(message!.Contains(option.Name[2..], StringComparison.Ordinal) || (value.Trim().Length > 0 && message.Contains(OneLine.Of(value), StringComparison.Ordinal)) || message.Contains("/nowhere/", StringComparison.Ordinal) || message.Contains("receivers are written 2,3", StringComparison.Ordinal), told);
                }
            }
        }
    }

    private static string[] Arguments(string verb, (string Path, List<Option> Options) command, string option, string value)
    {
        var arguments = new List<string>(verb.Split(' '));
        string[] wanted = Wanted.GetValueOrDefault(verb, []);
        for (int i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == option)
            {
                i++;
            }
            else
            {
                arguments.Add(wanted[i]);
            }
        }

        if (option != "--hub" && command.Options.Any(one => one.Name == "--hub"))
        {
            arguments.AddRange(["--hub", Nowhere]);
        }

        return [.. arguments, option, value];
    }

    private static IEnumerable<(string Path, List<Option> Options)> Leaves(Command command, string path, IEnumerable<Option>? inherited = null)
    {
        var options = (inherited ?? []).Concat(command.Options).ToList();
        return command.Subcommands.Count == 0
            ? [(path, options)]
            : command.Subcommands.SelectMany(verb => Leaves(verb, $"{path} {verb.Name}".Trim(), command.Options.Where(option => option.Recursive).Concat(inherited ?? [])));
    }

    /// <summary>Words that come from code.</summary>
    [GeneratedRegex(@"\(Parameter|\b[A-Z]\w+Exception\b|System\.|Actual value was|MessageDelivery\.|nullable", RegexOptions.CultureInvariant)]
    private static partial Regex OfCode();
}
