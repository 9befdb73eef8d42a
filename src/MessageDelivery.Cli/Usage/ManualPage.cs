using System.CommandLine;
using System.CommandLine.Help;
using System.Text;

namespace MessageDelivery.Cli.Usage;

/// <summary>The manual page mds(1): every verb and option, as <c>--help</c> explains them.</summary>
internal static class ManualPage
{
    private const string Beginning = """
        .\" Made by packaging/generate; what to change is in src/MessageDelivery.Cli.
        .TH MDS 1 "" "mds @VERSION@" "User Commands"
        .SH NAME
        mds \- run a message hub, or talk to one
        .SH SYNOPSIS
        .B mds
        .I VERB
        .RI [ OPTION ]...
        .RI [ ARGUMENT ]...
        .SH DESCRIPTION
        A hub gives each connection an id and relays messages among them.
        .B mds serve
        runs one;
        .BR "mds identity" ", " list ", " echo ", " relay ", " listen ", " chat " and " bench
        talk to one.
        .B mds check\-config
        says what a hub would run with and what is wrong with that;
        .B mds doctor
        looks at the machine and at a running hub.
        .PP
        What begins with a hyphen is an option, and an error if there is none of that name; behind
        .B \-\-
        everything is text. A lone hyphen and a negative number are texts.
        """;

    private const string End = """
        .SH SIGNALS
        .TP
        .BR SIGTERM ", " SIGINT
        Stop, and send what is queued; a second one drops it.
        .TP
        .B SIGHUP
        Read the settings again: all that is new is in force, or, if anything is wrong, nothing.
        .SH ENVIRONMENT
        .TP
        .B MDS_HUB
        The default of
        .BR \-\-hub .
        .TP
        .B MDS_TOKEN
        The token, where there is no
        .BR \-\-token\-file .
        .TP
        .B MDS_CONFIG
        The default of
        .BR \-\-config .
        .TP
        .B MDS_QUEUE_LIMIT
        and its like: each option of
        .B mds serve
        in capitals, with underscores.
        .TP
        .B NO_COLOR
        No colours, also on a terminal.
        .SH FILES
        .TP
        .I /etc/mds/mds.json
        The settings of mds.service.
        .TP
        .I /var/log/mds/audit.log
        Who came, was refused, went and was removed.
        .TP
        .I /usr/share/doc/mds/operations.md
        The manual for operators.
        .SH SEE ALSO
        .BR systemctl (1),
        .BR journalctl (1)
        """;

    /// <summary>The page, with @VERSION@ in place of the version; it ends with a line end.</summary>
    public static string Of(RootCommand root)
    {
        var verbs = CommandTree.VerbsOf(root);
        var settings = verbs.Single(verb => verb.Path == "serve").Options.Where(option => option is not HelpOption).Select(Identity).ToHashSet();
        // What several verbs have is explained once, and what 'mds serve' has, there.
        var shared = verbs.Where(verb => verb.Path.Length > 0).SelectMany(verb => verb.Options)
            .Where(option => option is not HelpOption && !settings.Contains(Identity(option)))
            .GroupBy(Identity).Where(group => group.Count() > 3).Select(group => group.First()).ToList();
        var sharedIdentities = shared.Select(Identity).ToHashSet();
        var page = new StringBuilder();
        page.Line(Beginning);
        page.Line(".SH VERBS");
        foreach (var verb in verbs.Where(verb => verb.Path.Length > 0))
        {
            bool isServe = verb.Path == "serve";
            page.Line($".SS {Quoted(Synopsis(verb))}");
            page.Line(Escaped(verb.Command.Description ?? ""));
            var own = verb.Options.Where(option => option is not HelpOption && !sharedIdentities.Contains(Identity(option))
                && (isServe || !settings.Contains(Identity(option)))).ToList();
            own.ForEach(option => WriteOption(page, option));
            var also = verb.Options.Where(option => sharedIdentities.Contains(Identity(option))).Select(option => option.Name).ToList();
            if (also.Count > 0)
            {
                page.Line(".PP");
                page.Line(Escaped($"Also, see OPTIONS OF SEVERAL VERBS: {string.Join(", ", also)}."));
            }

            if (!isServe && verb.Options.Any(option => settings.Contains(Identity(option))))
            {
                page.Line(".PP");
                page.Line(Escaped("Also: all options of 'mds serve'."));
            }

            WriteMore(page, verb);
        }

        page.Line(".SH OPTIONS OF SEVERAL VERBS");
        shared.ForEach(option => WriteOption(page, option));
        verbs[0].Options.Where(option => option is not HelpOption).ToList().ForEach(option => WriteOption(page, option));
        page.Line(".TP");
        page.Line(@".B \-\-help");
        page.Line("Show help, of every verb.");
        page.Line(".SH EXIT STATUS");
        page.Line(".nf");
        page.Line(Escaped(TextOf(verbs[0])));
        page.Line(".fi");
        page.Line(End);
        return page.ToString();
    }

    private static (string, string?, string?) Identity(Option option) => (option.Name, option.HelpName, option.Description);

    private static string Synopsis(Verb verb)
    {
        var words = new List<string> { $"mds {verb.Path}" };
        words.AddRange(verb.Options.Where(option => option.Required).Select(option => $"{option.Name} {option.HelpName}"));
        words.Add("[OPTION]...");
        if (verb.Verbs.Any())
        {
            words.Add("VERB");
        }

        words.AddRange(verb.Command.Arguments.Select(argument => (argument.Arity.MinimumNumberOfValues, argument.Arity.MaximumNumberOfValues) switch
        {
            (0, 1) => $"[{argument.Name}]",
            (0, _) => $"[{argument.Name}]...",
            (_, 1) => argument.Name,
            _ => $"{argument.Name}...",
        }));
        return string.Join(' ', words);
    }

    private static void WriteOption(StringBuilder page, Option option)
    {
        page.Line(".TP");
        string value = !CommandTree.TakesValue(option) ? ""
            : CommandTree.NeedsValue(option) ? $" {option.HelpName}"
            : $" [{option.HelpName}]";
        page.Line($".B {Escaped(option.Name)}{Escaped(value)}");
        page.Line(Escaped(option.Description ?? ""));
        if (CommandTree.ValuesOf(option) is { Count: > 0 } values)
        {
            page.Line(Escaped($"One of {string.Join(", ", values)}."));
        }
    }

    private static void WriteMore(StringBuilder page, Verb verb)
    {
        foreach (var argument in verb.Command.Arguments)
        {
            page.Line(".TP");
            page.Line($".I {Escaped(argument.Name)}");
            page.Line(Escaped(argument.Description ?? ""));
        }

        page.Line(".PP");
        page.Line(Escaped(TextOf(verb)));
        if (HelpOf(verb) is { Examples.Count: > 0 } help)
        {
            page.Line(".PP");
            page.Line("Examples:");
            page.Line(".PP");
            page.Line(".nf");
            foreach (string example in help.Examples)
            {
                page.Line(Escaped($"    {example}"));
            }

            page.Line(".fi");
        }
    }

    private static CommandHelp.LongHelp? HelpOf(Verb verb) =>
        verb.Options.OfType<HelpOption>().Select(option => option.Action).OfType<CommandHelp.LongHelp>().FirstOrDefault();

    private static string TextOf(Verb verb) => HelpOf(verb)?.Text.ReplaceLineEndings("\n") ?? "";

    private static string Quoted(string text) => $"\"{Escaped(text).Replace("\"", "\\(dq", StringComparison.Ordinal)}\"";

    /// <summary>A text that troff prints as it is: no line of it is a request, and hyphens can be copied.</summary>
    private static string Escaped(string text) =>
        string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(line =>
        {
            string escaped = line.Replace(@"\", @"\e", StringComparison.Ordinal).Replace("-", @"\-", StringComparison.Ordinal);
            return escaped.Length > 0 && escaped[0] is '.' or '\'' ? $@"\&{escaped}" : escaped;
        }));
}
