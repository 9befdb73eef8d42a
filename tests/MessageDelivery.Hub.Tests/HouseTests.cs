using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Tests;

/// <summary>What no folder may know, how large a type may be, and other rules of the house (docs/architecture.md).</summary>
public sealed class HouseTests
{
    private const int MaxLines = 400;

    /// <summary>Folders of the hub, and those that each may know beside itself.</summary>
    private static readonly Dictionary<string, string[]> s_mayKnow = new()
    {
        ["Linux"] = [],
        ["Outside"] = ["Linux"],
        ["Buffers"] = ["Linux"],
        ["Loop"] = ["Linux", "Outside", "Buffers"],
        ["Outbound"] = ["Buffers", "Loop"],
        ["Transport/Layers"] = ["Linux", "Buffers", "Loop", "Outbound"],
        ["Transport"] = ["Linux", "Buffers", "Loop", "Outbound", "Transport/Layers"],
        ["Access"] = ["Linux", "Outside"],
        ["Limits"] = ["Linux", "Loop", "Transport"],
        ["Users"] = ["Access", "Buffers", "Loop", "Outbound"],
        ["Resuming"] = ["Access", "Buffers", "Limits", "Linux", "Loop", "Outbound", "Transport", "Users"],
        ["Protocols"] = ["Access", "Buffers", "Limits", "Loop", "Outbound", "Resuming", "Transport", "Users"],
        ["Protocols/Binary"] = ["Access", "Buffers", "Limits", "Loop", "Outbound", "Protocols", "Resuming", "Transport", "Users"],
        ["Protocols/Text"] = ["Access", "Buffers", "Limits", "Loop", "Outbound", "Protocols", "Transport", "Users"],
        ["Protocols/Http"] = ["Buffers", "Limits", "Loop", "Outbound", "Protocols", "Transport", "Transport/Layers"],
        ["Protocols/Detection"] =
            ["Access", "Buffers", "Limits", "Loop", "Outbound", "Protocols", "Protocols/Binary", "Protocols/Http", "Protocols/Text", "Resuming", "Transport", "Transport/Layers", "Users"],
        ["Runtime"] =
            ["Access", "Buffers", "Limits", "Linux", "Loop", "Outside", "Protocols", "Protocols/Detection", "Protocols/Http", "Resuming", "Transport", "Transport/Layers", "Users"],
    };

    public static TheoryData<string, string> Forbidden => new()
    {
        { "MessageDelivery.Protocol", @"System\.Net|System\.Threading|Task\b|\bSocket\b|ILogger|TimeProvider|DateTime|Stopwatch" },
        { "MessageDelivery.Hub/Buffers", @"MessageDelivery\.Protocol|\bUser\b" },
        { "MessageDelivery.Hub/Loop", @"MessageDelivery\.Protocol|\bUser\b" },
        { "MessageDelivery.Hub/Outbound", @"MessageDelivery\.Protocol|FrameHeader|\bRouter\b|\bUser\b" },
        { "MessageDelivery.Hub/Transport", @"MessageDelivery\.Protocol|FrameHeader|\bRouter\b|\bUser\b" },
        { "MessageDelivery.Hub/Users", @"System\.Net|FrameHeader|DeliveryHeader|RelayLayout|\bSocket\b" },
        { "MessageDelivery.Hub/Resuming", @"System\.Net|\bSocket\b" },
        { "MessageDelivery.Hub/Protocols", @"System\.Net|\bSocket\b|StreamSocket|Hub\.Linux|Libc" },
        { "MessageDelivery.Client", @"MessageDelivery\.Hub;" },
    };

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void No_layer_knows_what_it_must_not(string folder, string words)
    {
        var pattern = new Regex(words);
        var found = from file in Sources(folder)
                    from line in Code(file)
                    where pattern.IsMatch(line)
                    select $"{Path.GetFileName(file)}: {line.Trim()}";
        Assert.Empty(found);
    }

    [Fact]
    public void Every_folder_of_the_hub_has_its_place() => Assert.Equal(
        s_mayKnow.Keys.Order(StringComparer.Ordinal),
        Sources("MessageDelivery.Hub").Select(FolderOf).Where(folder => folder.Length > 0).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void A_folder_knows_only_those_below_it()
    {
        var files = Sources("MessageDelivery.Hub").Where(file => FolderOf(file).Length > 0).ToList();
        var folders = files.SelectMany(file => TypesIn(file).Select(type => (type.Name, Folder: FolderOf(file)))).Distinct()
            .GroupBy(type => type.Name).ToDictionary(types => types.Key, types => types.Select(type => type.Folder).ToList());
        var found = from file in files
                    from word in Code(file).SelectMany(line => Regex.Matches(line, @"(?<![.\w])[A-Z]\w+(?!\s*(=[^=>]|:))").Select(match => match.Value)).Distinct()
                    where folders.TryGetValue(word, out var at) && !at.Any(folder => folder == FolderOf(file) || s_mayKnow[FolderOf(file)].Contains(folder))
                    select $"{FolderOf(file)}/{Path.GetFileNameWithoutExtension(file)} knows {folders[word][0]}/{word}";
        AssertNone(found);
    }

    /// <summary>All partial files of a type together.</summary>
    [Fact]
    public void No_type_is_too_large_to_be_one_thing() => AssertNone(
        from file in Sources("")
        from type in TypesIn(file)
        group type.Lines by (Project: Path.GetRelativePath(Root, file).Split('/')[0], type.Name) into type
        where type.Sum() > MaxLines
        select type.Key.Name);

    [Fact]
    public void No_file_is_too_long_to_be_one_thing() =>
        Assert.Empty(Sources("").Where(file => File.ReadLines(file).Count() > MaxLines).Select(Path.GetFileName));

    [Fact]
    public void Every_log_event_has_an_id_of_its_own()
    {
        var ids = typeof(HubLog).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>()
            .Select(attribute => attribute.EventId).ToList();
        Assert.NotEmpty(ids);
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.DoesNotContain(0, ids);
    }

    private static void AssertNone(IEnumerable<string> found)
    {
        var all = found.Order(StringComparer.Ordinal).ToList();
        Assert.True(all.Count == 0, string.Join('\n', all));
    }

    private static string Root { get; } = FindRoot();

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "src"));

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static string FolderOf(string file) =>
        Path.GetRelativePath(Path.Combine(Root, "MessageDelivery.Hub"), Path.GetDirectoryName(file)!) is var folder and not "." ? folder : "";

    /// <summary>Lines without comments and the contents of strings.</summary>
    private static IEnumerable<string> Code(string file) => File.ReadLines(file)
        .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
        .Select(line => Regex.Replace(line, "\"(\\\\.|[^\"\\\\])*\"", "\"\""));

    /// <summary>The types at the outermost level of a file, with the lines of their declarations.</summary>
    private static IEnumerable<(string Name, int Lines)> TypesIn(string file)
    {
        string? name = null;
        int lines = 0;
        foreach (string line in File.ReadLines(file))
        {
            if (name is null && Regex.Match(line, @"^(?:[a-z]+ )*(?:class|struct|interface|enum|record) ([A-Z]\w*)") is { Success: true } declared)
            {
                name = declared.Groups[1].Value;
                lines = 0;
            }

            lines++;
            if (name is not null && (line == "}" || line.EndsWith(';') && !line.StartsWith(' ') || line.EndsWith("{ }", StringComparison.Ordinal) && !line.StartsWith(' ')))
            {
                yield return (name, lines);
                name = null;
            }
        }
    }
}
