using System.Text.Json.Serialization;

namespace MessageDelivery.Hub.Access;

/// <summary>A token in a <see cref="TokenFile"/>: its name, what is kept of its secret, and what whoever shows it may do.</summary>
public sealed record TokenEntry
{
    /// <summary>Its name, which is that of the identity: 1 to 256 characters, none of them a control character.</summary>
    public required string Name { get; init; }

    /// <summary>The SHA-256 of the secret, 64 hexadecimal digits in lower case.</summary>
    public required string Hash { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>When it ends; null is never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Whether it may relay. Default: true.</summary>
    public bool Send { get; init; } = true;

    /// <summary>Whether it may ask who is there. Default: true.</summary>
    public bool List { get; init; } = true;

    /// <summary>Whether it may watch who comes and goes. Default: true.</summary>
    public bool Watch { get; init; } = true;

    /// <summary>Whom it reaches. Default: all.</summary>
    public Reach Reach { get; init; }

    /// <summary>Whether it is an administrator's, for HTTP, and no user's. Default: false.</summary>
    [JsonPropertyName("admin")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsAdmin { get; init; }

    /// <summary>Its group, 1 to 256 characters; null is none.</summary>
    public string? Group { get; init; }

    /// <summary>Relays each second; null is what the hub allows everybody.</summary>
    public double? RelaysPerSecond { get; init; }

    /// <summary>Bytes of relays each second; null is what the hub allows everybody.</summary>
    public double? BytesPerSecond { get; init; }

    /// <summary>What becomes of its relays for a receiver whose queue is full; null is the hub's rule.</summary>
    public FullQueue? FullQueue { get; init; }

    internal Identity ToIdentity() => new(Name)
    {
        Credential = Hash,
        Expires = Expires,
        IsAdmin = IsAdmin,
        MaySend = Send,
        MayList = List,
        MayWatch = Watch,
        Reach = Reach,
        Group = Group,
        RelaysPerSecond = RelaysPerSecond,
        BytesPerSecond = BytesPerSecond,
        FullQueue = FullQueue,
    };

    /// <summary>Null, or what is wrong with it.</summary>
    internal string? Fault()
    {
        if (!Identity.IsName(Name))
        {
            return $"a name has 1 to {Identity.MaxNameLength} characters, none of them a control character";
        }

        if (Hash is not { Length: 2 * TokenSecret.HashBytes } || !Hash.All(char.IsAsciiHexDigitLower))
        {
            return $"the hash of '{Name}' must be {2 * TokenSecret.HashBytes} hexadecimal digits in lower case";
        }

        if (Group is not null && !Identity.IsName(Group))
        {
            return $"the group of '{Name}' must have 1 to {Identity.MaxNameLength} characters, none of them a control character";
        }

        if (Reach == Reach.Group && Group is null)
        {
            return $"the reach of '{Name}' is its group, and it has none";
        }

        if (FullQueue is { } rule && !Enum.IsDefined(rule))
        {
            return $"the rule of '{Name}' for full queues must be wait or leave-out";
        }

        return !IsRate(RelaysPerSecond) || !IsRate(BytesPerSecond) || !Enum.IsDefined(Reach) ? $"a rate of '{Name}' must be above 0, and its reach all, group or none" : null;
    }

    // A number beyond what a double can have is read as infinite.
    private static bool IsRate(double? rate) => rate is null || (rate > 0 && double.IsFinite(rate.Value));
}

/// <summary>How a file of tokens is written.</summary>
internal sealed record TokenDocument
{
    public required IReadOnlyList<TokenEntry> Tokens { get; init; }
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    Converters = [typeof(ReachConverter), typeof(FullQueueConverter)])]
[JsonSerializable(typeof(TokenDocument))]
internal sealed partial class TokenJson : JsonSerializerContext;

internal sealed class ReachConverter() : JsonStringEnumConverter<Reach>(System.Text.Json.JsonNamingPolicy.CamelCase, allowIntegerValues: false);

internal sealed class FullQueueConverter() : JsonStringEnumConverter<FullQueue>(System.Text.Json.JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false);
