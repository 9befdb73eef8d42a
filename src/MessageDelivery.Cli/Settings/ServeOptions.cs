using System.CommandLine;
using System.CommandLine.Completions;

namespace MessageDelivery.Cli.Settings;

/// <summary>The options of a verb that takes what <c>mds serve</c> takes.</summary>
internal sealed class ServeOptions
{
    private readonly Option<string?> _configuration = new("--config")
    {
        HelpName = "FILE",
        Description = $"Read settings from this json file. Default: {SettingSource.DefaultFile} in the working directory, if there is one.",
    };

    private readonly Dictionary<Setting, Option> _options = HubSettings.All.ToDictionary(setting => setting, OptionFor);

    public void AddTo(Command command)
    {
        command.Add(_configuration);
        foreach (var option in _options.Values)
        {
            command.Add(option);
        }
    }

    /// <summary>What the command line says, to be laid over the environment and the file.</summary>
    public SettingsLoader Read(ParseResult arguments)
    {
        var commandLine = new SettingSource(setting => setting.OptionName);
        foreach (var (setting, option) in _options)
        {
            if (arguments.GetResult(option) is { Implicit: false } result)
            {
                string[] values = [.. result.Tokens.Select(token => token.Value)];
                commandLine.Add(setting, values.Length == 0 && setting.IsSwitch ? ["true"] : values);
            }
        }

        return new(commandLine, arguments.GetValue(_configuration));
    }

    private static Option OptionFor(Setting setting)
    {
        Option option = setting.IsList
            ? new Option<string[]>(setting.OptionName) { Arity = ArgumentArity.OneOrMore }
            : new Option<string>(setting.OptionName) { Arity = setting.IsSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne };
        option.HelpName = setting.ValueName;
        option.Description = $"{setting.Help} Default: {setting.Default}.";
        option.CompletionSources.Add(_ => SettingChoices.Of(setting).Select(choice => new CompletionItem(choice)));
        return option;
    }
}
