using System.Text.Json;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>A file of <c>spec/vectors</c>: its entries by name.</summary>
internal static class VectorFile
{
    private static readonly Dictionary<string, Dictionary<string, JsonElement>> Files = [];

    public static JsonElement Entry(string file, string name) => Entries(file)[name];

    public static TheoryData<string> Names(string file) => [.. Entries(file).Keys];

    private static Dictionary<string, JsonElement> Entries(string file)
    {
        lock (Files)
        {
            if (!Files.TryGetValue(file, out Dictionary<string, JsonElement>? entries))
            {
                string path = Path.Combine(AppContext.BaseDirectory, "vectors", file + ".json");
                using var document = JsonDocument.Parse(File.ReadAllBytes(path));
                entries = document.RootElement.EnumerateArray().ToDictionary(e => e.GetProperty("name").GetString()!, e => e.Clone());
                Files.Add(file, entries);
            }

            return entries;
        }
    }
}
