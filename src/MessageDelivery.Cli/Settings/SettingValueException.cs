namespace MessageDelivery.Cli.Settings;

/// <summary>A value that a setting cannot have; the message is what it must be. Where it came from is added further out.</summary>
internal sealed class SettingValueException(string limit) : Exception(limit)
{
    /// <summary>The values it can have, where there are only a few.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];
}
