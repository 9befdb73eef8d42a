using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub.Access;

namespace MessageDelivery.Cli.Output;

/// <summary>What verbs with <c>--json</c> print once: one object on one line.</summary>
internal static class JsonOutput
{
    /// <summary>Writes the object and a line end to standard output.</summary>
    public static void Write<T>(T value, JsonTypeInfo<T> type)
    {
        using var output = StandardOutput.Open();
        using (var json = new Utf8JsonWriter(output, JsonLines.Options))
        {
            JsonSerializer.Serialize(json, value, type);
        }

        output.Write("\n"u8);
    }
}

/// <summary><c>mds identity --json</c>.</summary>
internal sealed record PrintedIdentity(ulong User);

/// <summary><c>mds token list --json</c>.</summary>
internal sealed record PrintedTokens(IReadOnlyList<PrintedToken> Tokens);

/// <summary>A token without what is kept of its secret.</summary>
internal sealed record PrintedToken(
    string Name, DateTimeOffset Created, DateTimeOffset? Expires, bool Send, bool List, bool Watch, string Reach, string? Group,
    double? RelaysPerSecond, double? BytesPerSecond, string? FullQueue, bool? Admin)
{
    public static PrintedToken Of(TokenEntry token) => new(
        token.Name, token.Created, token.Expires, token.Send, token.List, token.Watch, HubSettings.ReachNames[(int)token.Reach], token.Group, token.RelaysPerSecond,
        token.BytesPerSecond, token.FullQueue is { } rule ? HubSettings.FullQueueNames[(int)rule] : null, token.IsAdmin ? true : null);
}

/// <summary><c>mds check-config --json</c>; no settings where there are problems.</summary>
/// <param name="File">The configuration file that was read; null is none.</param>
/// <param name="Ignored">Variables that look like settings and are none of ours.</param>
internal sealed record PrintedConfiguration(
    string? File, IReadOnlyList<PrintedSetting> Settings, IReadOnlyList<string> Problems, IReadOnlyList<string> Ignored);

/// <summary>A setting that is in force.</summary>
/// <param name="From">The place that sets it; null is the default.</param>
internal sealed record PrintedSetting(string Name, string Value, string? From);

/// <summary><c>mds doctor --json</c>.</summary>
internal sealed record PrintedFindings(IReadOnlyList<PrintedFinding> Findings);

/// <summary>What a check has found.</summary>
/// <param name="Remedy">What to do about it; left out where nothing is to be done.</param>
internal sealed record PrintedFinding(string Check, string Level, string Text, string? Remedy);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PrintedIdentity))]
[JsonSerializable(typeof(PrintedTokens))]
[JsonSerializable(typeof(PrintedConfiguration))]
[JsonSerializable(typeof(PrintedFindings))]
internal sealed partial class OutputJson : JsonSerializerContext;
