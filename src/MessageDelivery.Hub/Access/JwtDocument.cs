using System.Buffers.Text;
using System.Text.Json;

namespace MessageDelivery.Hub.Access;

/// <summary>A JSON object that came in a token: read strictly, whatever the token's library would let pass.</summary>
internal static class JwtDocument
{
    private const int MaxDepth = 16;

    /// <summary>Reads an object in base64url; null if it is none, or has a name twice.</summary>
    public static JsonDocument? TryRead(ReadOnlySpan<byte> base64Url)
    {
        try
        {
            if (base64Url.ContainsAny(" \t\r\n="u8))
            {
                return null;
            }

            var document = JsonDocument.Parse(
                Base64Url.DecodeFromUtf8(base64Url), new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            return null;
        }
    }

    /// <summary>The text of that name; null if it is not there. Something else in its place makes <paramref name="isWrong"/> true.</summary>
    public static string? Text(this in JsonElement element, string name, ref bool isWrong)
    {
        if (!element.TryGetProperty(name, out var value))
        {
            return null;
        }

        try
        {
            if (value.ValueKind == JsonValueKind.String)
            {
                return value.GetString();
            }
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
        }

        isWrong = true;
        return null;
    }
}
