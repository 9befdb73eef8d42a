using System.Text.Json.Serialization;

namespace MessageDelivery.Cli.Attacks;

/// <summary>A report as one JSON object on one line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AttackReport))]
internal sealed partial class AttackJson : JsonSerializerContext;
