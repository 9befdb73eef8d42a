using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace MessageDelivery.Protocol.Tests.Frames;

/// <summary>Reads the golden vectors; spec/vectors/README.md says what they are.</summary>
internal static class VectorFile
{
    public static TheoryData<string> Names(string file)
    {
        var names = new TheoryData<string>();
        foreach (var vector in Load(file))
        {
            names.Add(vector.GetProperty("name").GetString()!);
        }

        return names;
    }

    public static JsonElement Find(string file, string name) =>
        Load(file).Single(vector => vector.GetProperty("name").GetString() == name);

    /// <summary>The bytes of a list of parts.</summary>
    public static byte[] Bytes(JsonElement parts)
    {
        var bytes = new MemoryStream();
        foreach (var part in parts.EnumerateArray())
        {
            bytes.Write(Part(part));
        }

        return bytes.ToArray();
    }

    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static ulong Number(JsonElement vector, string name) =>
        ulong.Parse(vector.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);

    private static byte[] Part(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            return Encoding.UTF8.GetBytes(part.GetString()!);
        }

        if (part.TryGetProperty("hex", out var hex))
        {
            return Hex(hex.GetString()!);
        }

        byte[] one = Part(part.GetProperty("repeat"));
        var all = new byte[one.Length * part.GetProperty("count").GetInt32()];
        for (int at = 0; at < all.Length; at += one.Length)
        {
            one.CopyTo(all, at);
        }

        return all;
    }

    private static List<JsonElement> Load(string file, [CallerFilePath] string here = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "spec", "vectors", file + ".json");
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return [.. document.RootElement.EnumerateArray().Select(vector => vector.Clone())];
    }
}
