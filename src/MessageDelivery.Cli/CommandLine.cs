using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Usage;
using MessageDelivery.Cli.Verbs;

namespace MessageDelivery.Cli;

/// <summary>The whole command: its verbs, and how everything that goes wrong becomes one line and an exit code.</summary>
internal static class CommandLine
{
    private const string Text = """
        Exit codes:
          0    done
          1    a relay did not reach all of its receivers; a benchmark found messages missing, out of order or changed;
               an attack was not withstood; the doctor found something that has failed
          2    the command line, an environment variable or the configuration file is wrong
          3    the hub cannot be reached, or the connection was lost
          4    the hub refused
          5    an address cannot be listened on
          6    a file, standard input or standard output cannot be read or written
          70   a defect in the program
          130  interrupted by Ctrl-C or SIGTERM
        """;

    private static readonly (string Name, Func<Command> Create)[] s_verbs =
    [
        ("serve", ServeCommand.Create),
        ("check-config", CheckConfigCommand.Create),
        ("doctor", DoctorCommand.Create),
        ("identity", IdentityCommand.Create),
        ("list", ListCommand.Create),
        ("echo", EchoCommand.Create),
        ("relay", RelayCommand.Create),
        ("listen", ListenCommand.Create),
        ("chat", ChatCommand.Create),
        ("bench", BenchCommand.Create),
        ("attack", AttackCommand.Create),
        ("token", TokenCommand.Create),
        ("completion", CompletionCommand.Create),
        ("manual", ManualCommand.Create),
    ];

    public static async Task<int> RunAsync(string[] arguments)
    {
        var (exitCode, message) = await TryAsync(arguments);
        if (message is not null)
        {
            Console.Error.WriteLine($"mds: {message}");
        }

        return exitCode;
    }

    /// <summary>Runs it, without the line on standard error.</summary>
    internal static async Task<(int ExitCode, string? Message)> TryAsync(string[] arguments)
    {
        try
        {
            // Neither "@file" nor "-abc" means anything special here: a message may begin like that.
            string[] words = Spell(arguments);
            var parsed = Root(words[0]).Parse(words, new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
            if (UsageError.Find(parsed, words) is { } error)
            {
                throw new CommandException(ExitCode.Usage, $"{error} Try '{Path(parsed)} --help'.");
            }

            if (EmptyOption(parsed) is { } empty)
            {
                throw new CommandException(ExitCode.Usage, $"{empty} is empty. Try '{Path(parsed)} --help'.");
            }

            // Signals and exceptions are dealt with here and by the verbs.
            return (await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }), null);
        }
        catch (Exception exception)
        {
            var (exitCode, message) = Failure.Explain(exception);
            return ((int)exitCode, message);
        }
    }

    /// <summary>A hub's port may also be written with one hyphen, as the first clients of this protocol did; nothing at all asks for help.</summary>
    private static string[] Spell(string[] arguments) => arguments switch
    {
        [] => ["--help"],
        ["serve" or "check-config" or "doctor", ..] => [.. arguments.Select(argument =>
            argument == "-port" || argument.StartsWith("-port=", StringComparison.Ordinal) ? $"-{argument}" : argument)],
        _ => arguments,
    };

    /// <summary>The command with all its verbs and options; or, where one is called, with no other: a hub keeps none of the others' options.</summary>
    internal static RootCommand Root(string? called = null)
    {
        var root = new RootCommand("Message delivery: run a hub, or talk to one.");
        bool isVerb = s_verbs.Any(verb => verb.Name == called);
        foreach (var (name, create) in s_verbs)
        {
            if (!isVerb || name == called)
            {
                root.Add(create());
            }
        }

        root.Add(HelpCommand.Create(root));
        TlsAccess.AddTo(root);
        // The usual one is also called "/h" and "/?", behind every verb: these are texts.
        root.Options.Remove(root.Options.OfType<HelpOption>().Single());
        CommandHelp.Add(root, Text, "mds serve --port 1234", "mds chat --hub 127.0.0.1:1234", "mds relay --help");
        Switches.TakeNoValue(root);
        return root;
    }

    /// <summary>An option whose value is nothing but blanks; no option of ours can be that. Settings say so themselves, with the place.</summary>
    private static string? EmptyOption(ParseResult parsed)
    {
        for (var command = parsed.CommandResult; command is not null; command = command.Parent as CommandResult)
        {
            var empty = command.Children.OfType<OptionResult>().FirstOrDefault(option =>
                !HubSettings.All.Any(setting => setting.OptionName == option.Option.Name) && option.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)));
            if (empty is not null)
            {
                return empty.Option.Name;
            }
        }

        return null;
    }

    private static string Path(ParseResult parsed)
    {
        string path = "";
        for (var command = parsed.CommandResult; command is { Command: not RootCommand }; command = command.Parent as CommandResult)
        {
            path = $" {command.Command.Name}{path}";
        }

        return $"mds{path}";
    }
}
