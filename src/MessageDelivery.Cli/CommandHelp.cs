using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace MessageDelivery.Cli;

/// <summary>Help that goes on after the list of options: what a person wants to know, and examples.</summary>
internal static class CommandHelp
{
    /// <summary>Gives a verb its own help option.</summary>
    public static void Add(Command command, string text, params string[] examples) =>
        command.Add(new HelpOption("--help", "-h", "-?")
        {
            Description = "Show this help.",
            Action = new LongHelp(text, examples),
        });

    /// <summary>Writes the usual help, then more.</summary>
    public sealed class LongHelp(string text, IReadOnlyList<string> examples) : SynchronousCommandLineAction
    {
        private readonly HelpAction _usual = new();

        public string Text => text;

        public IReadOnlyList<string> Examples => examples;

        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            _usual.Invoke(parseResult);
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine(text);
            if (examples.Count > 0)
            {
                output.WriteLine();
                output.WriteLine("Examples:");
                foreach (string example in examples)
                {
                    output.WriteLine($"  {example}");
                }
            }

            return (int)ExitCode.Ok;
        }
    }
}
