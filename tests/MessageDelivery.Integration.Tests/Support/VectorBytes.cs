using System.Globalization;
using System.Text.Json;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>Parts of a vector as bytes to send, or as what must come.</summary>
internal static class VectorBytes
{
    /// <summary>The bytes of the parts; those that a transcript has captured have the names it gave them.</summary>
    public static byte[] Join(JsonElement parts, Dictionary<string, byte[]>? captured = null) =>
        Frames.Join([.. parts.EnumerateArray().Select(part => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("captured", out JsonElement name)
            ? captured![name.GetString()!]
            : Part(part))]);

    /// <summary>Reads from a connection what the parts say; runs of fixed bytes are compared in one piece.</summary>
    public static async Task ExpectAsync(RawConnection connection, JsonElement parts, Dictionary<string, byte[]> captured)
    {
        var run = new List<byte[]>();
        foreach (JsonElement part in parts.EnumerateArray())
        {
            if (!IsPattern(part))
            {
                run.Add(Part(part));
                continue;
            }

            await connection.ExpectAsync([.. run]);
            run.Clear();
            await PatternAsync(connection, part, captured);
        }

        await connection.ExpectAsync([.. run]);
    }

    public static ProtocolCode Code(JsonElement element)
    {
        string name = element.GetProperty("code").GetString()!;
        return Enum.GetValues<ProtocolCode>().Single(c => c.Name() == name);
    }

    public static ulong? Correlation(JsonElement element) => element.TryGetProperty("correlation", out JsonElement value)
        ? ulong.Parse(value.GetString()!, CultureInfo.InvariantCulture)
        : null;

    private static bool IsPattern(JsonElement part) => part.ValueKind == JsonValueKind.Object
        && !part.TryGetProperty("hex", out _) && !part.TryGetProperty("repeat", out _);

    private static byte[] Part(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            return Frames.Utf8(part.GetString()!);
        }

        if (part.TryGetProperty("hex", out JsonElement hex))
        {
            return Convert.FromHexString(hex.GetString()!.Replace(" ", "", StringComparison.Ordinal));
        }

        byte[] unit = Part(part.GetProperty("repeat"));
        byte[] bytes = new byte[unit.Length * part.GetProperty("count").GetInt32()];
        for (int at = 0; at < bytes.Length; at += unit.Length)
        {
            unit.CopyTo(bytes, at);
        }

        return bytes;
    }

    private static async Task PatternAsync(RawConnection connection, JsonElement part, Dictionary<string, byte[]> captured)
    {
        if (part.TryGetProperty("capture", out JsonElement name))
        {
            captured[name.GetString()!] = await connection.ReadAsync(part.GetProperty("count").GetInt32());
            return;
        }

        JsonProperty pattern = part.EnumerateObject().Single();
        switch (pattern.Name)
        {
            case "any":
                await connection.ReadAsync(pattern.Value.GetInt32());
                break;
            case "line":
                Assert.StartsWith(pattern.Value.GetString()!, await connection.LineAsync(), StringComparison.Ordinal);
                break;
            case "error":
                await connection.ExpectErrorAsync(Code(pattern.Value), Correlation(pattern.Value));
                break;
            case "goodbye":
                await connection.ExpectGoodbyeAsync(Code(pattern.Value));
                break;
            default:
                throw new InvalidDataException($"No pattern is called {pattern.Name}.");
        }
    }
}
