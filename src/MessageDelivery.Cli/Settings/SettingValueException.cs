namespace MessageDelivery.Cli.Settings;

/// <summary>A value that a setting cannot have; the message is what it must be. Where it came from is added further out.</summary>
internal sealed class SettingValueException(string limit) : Exception(limit);
