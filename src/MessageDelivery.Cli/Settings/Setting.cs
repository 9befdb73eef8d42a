
namespace MessageDelivery.Cli.Settings;

/// <summary>
/// One thing that can be set about a hub. Its one name, such as <c>queue-limit</c>, gives all three spellings:
/// <c>--queue-limit</c>, <c>MDS_QUEUE_LIMIT</c> and <c>queueLimit</c>.
/// </summary>
/// <param name="Name">Lower-case words with hyphens.</param>
/// <param name="ValueName">What stands for the value in help, such as <c>SIZE</c>.</param>
/// <param name="Default">The value it has when nobody sets it, in words for help.</param>
/// <param name="Help">One line for a person.</param>
/// <param name="Apply">Checks the values and changes the settings; throws <see cref="SettingValueException"/>.</param>
internal sealed record Setting(
    string Name, string ValueName, string Default, string Help, Func<ServeSettings, IReadOnlyList<string>, ServeSettings> Apply)
{
    /// <summary>The prefix of every environment variable that this program reads.</summary>
    public const string EnvironmentPrefix = "MDS_";

    /// <summary>Whether it takes a list of values: repeated options, commas in the environment, an array in json.</summary>
    public bool IsList { get; init; }

    /// <summary>Whether it is a switch: the bare option means true.</summary>
    public bool IsSwitch { get; init; }

    /// <summary>What becomes of the file that its value names; none where it names no file.</summary>
    public FileUse File { get; init; }

    public string OptionName => "--" + Name;

    public string EnvironmentName => EnvironmentPrefix + Name.Replace('-', '_').ToUpperInvariant();

    public string JsonName { get; } = string.Concat(Name.Split('-').Select((word, index) =>
        index == 0 ? word : $"{char.ToUpperInvariant(word[0])}{word[1..]}"));
}

/// <summary>What a hub does with a file that a setting names.</summary>
internal enum FileUse
{
    /// <summary>The setting names no file.</summary>
    None,

    /// <summary>It is read, at start and at each reload.</summary>
    Read,

    /// <summary>It is written.</summary>
    Written,
}
