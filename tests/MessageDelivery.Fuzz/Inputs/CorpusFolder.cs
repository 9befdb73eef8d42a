using System.Runtime.CompilerServices;

namespace MessageDelivery.Fuzz.Inputs;

/// <summary>The inputs in tests/fuzz-corpus, one folder for each target.</summary>
internal static class CorpusFolder
{
    public static string Root { get; } = Path.Combine(Repository(), "tests", "fuzz-corpus");

    public static string Vectors { get; } = Path.Combine(Repository(), "spec", "vectors");

    /// <summary>Where inputs that fail are put.</summary>
    public static string Findings { get; } = Path.Combine(Repository(), "artifacts", "fuzz", "failed");

    public static List<byte[]> Load(string folder) =>
        [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    /// <summary>Writes inputs under names that tell what they hold, so that the same one is not kept twice.</summary>
    public static void Save(string folder, IEnumerable<byte[]> inputs)
    {
        Directory.CreateDirectory(folder);
        foreach (byte[] input in inputs)
        {
            File.WriteAllBytes(Path.Combine(folder, Name(input)), input);
        }
    }

    public static string Name(byte[] input) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))[..16];

    private static string Repository([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
