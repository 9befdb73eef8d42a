using System.CommandLine;
using MessageDelivery.Cli.Settings;

namespace MessageDelivery.Cli.Verbs;

/// <summary>An option of a client verb whose text is a number, a time, a size or one of a few words, read as a hub's settings are.</summary>
/// <param name="parse">Reads the text; throws <see cref="SettingValueException"/>.</param>
internal sealed class ValueOption<T>(string name, string valueName, string description, Func<string, T> parse)
    where T : struct
{
    /// <summary>What the parser is given.</summary>
    public Option<string?> Option { get; } = new(name) { HelpName = valueName, Description = description };

    /// <summary>Its value; null where it was not given.</summary>
    /// <exception cref="CommandException">It cannot have the value; the message names that and the limit.</exception>
    public T? Read(ParseResult arguments)
    {
        if (arguments.GetValue(Option) is not { } text)
        {
            return null;
        }

        try
        {
            return parse(text);
        }
        catch (SettingValueException limit)
        {
            throw new CommandException(ExitCode.Usage, $"{name} is '{text}': {limit.Message}");
        }
    }
}
