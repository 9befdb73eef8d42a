namespace MessageDelivery.Cli.Settings;

/// <summary>The values of settings that have only a few.</summary>
internal static class SettingChoices
{
    /// <summary>The values that a setting can have, in their order; empty where there are too many to name.</summary>
    public static IReadOnlyList<string> Of(Setting setting)
    {
        try
        {
            // No value is like this, and the check that says so knows those that are.
            setting.Apply(new(), ["\0"]);
            return [];
        }
        catch (SettingValueException exception)
        {
            return exception.Choices;
        }
    }
}
