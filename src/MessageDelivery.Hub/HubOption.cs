using MessageDelivery.Hub.Limits;

namespace MessageDelivery.Hub;

/// <summary>What an option is, and what its number means.</summary>
internal enum HubOptionKind
{
    /// <summary>The number itself.</summary>
    Count,

    /// <summary>Bytes.</summary>
    Size,

    /// <summary>Ticks of a <see cref="TimeSpan"/>.</summary>
    Time,

    /// <summary>Ticks, whole seconds of them.</summary>
    WholeSeconds,

    /// <summary>The place of one of a few words.</summary>
    Word,
}

/// <summary>
/// An option of <see cref="MessageHubOptions"/> that is a number, a size, a time or a word. The check of the options, the settings of
/// <c>mds serve</c> and an application's configuration are made from it: its bounds stand nowhere else.
/// </summary>
/// <param name="Setting">Its name for <c>mds serve</c>, without hyphens in front.</param>
/// <param name="Key">Its name in a configuration.</param>
/// <param name="Min">The least it may be.</param>
/// <param name="Max">The most it may be.</param>
/// <param name="Help">One line for a person.</param>
/// <param name="Get">Its value; null is the hub's choice.</param>
/// <param name="With">The options with another value.</param>
internal sealed record HubOption(
    string Setting, string Key, HubOptionKind Kind, long Min, long Max, string Help,
    Func<MessageHubOptions, long?> Get, Func<MessageHubOptions, long, MessageHubOptions> With)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<HubOption> All { get; } = [.. MessageHubOptions.Table, .. HubLimits.Table];

    /// <summary>The default in words, where the value does not say it.</summary>
    public string? Default { get; init; }

    /// <summary>What stands for a word in help, such as <c>RULE</c>.</summary>
    public string WordName { get; init; } = "";

    /// <summary>The words there are, as <c>mds serve</c> writes them.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>The least it may be if it is not zero.</summary>
    public long MinUnlessZero { get; init; }

    /// <summary>The words as a configuration writes them.</summary>
    public IEnumerable<string> WordsInCode =>
        Words.Select(word => string.Concat(word.Split('-').Select(part => char.ToUpperInvariant(part[0]) + part[1..])));

    /// <summary>Checks its value.</summary>
    /// <exception cref="ArgumentException">It is impossible.</exception>
    public void Validate(MessageHubOptions options)
    {
        if (Get(options) is not { } value || (value == 0 && MinUnlessZero > 0))
        {
            return;
        }

        bool isTime = Kind is HubOptionKind.Time or HubOptionKind.WholeSeconds;
        string name = Key[(Key.IndexOf(':', StringComparison.Ordinal) + 1)..];
        long min = Math.Max(Min, MinUnlessZero);
        if (value < min || value > Max)
        {
            throw new ArgumentOutOfRangeException(
                name, isTime ? new TimeSpan(value) : value,
                Kind == HubOptionKind.Word ? $"{name} must be {string.Join(" or ", WordsInCode)}."
                : isTime ? $"{name} must be between {new TimeSpan(min)} and {new TimeSpan(Max)}."
                : $"{name} must be between {min} and {Max}.");
        }

        if (Kind == HubOptionKind.WholeSeconds && value % TimeSpan.TicksPerSecond != 0)
        {
            throw new ArgumentException($"{name} is {new TimeSpan(value)}; it must be whole seconds.", name);
        }
    }
}
