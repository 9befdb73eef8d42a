using System.Text.Json;
using System.Xml.Linq;

namespace MessageDelivery.Sbom;

/// <summary>The packages that a restore has chosen for one runtime, by its <c>project.assets.json</c>.</summary>
internal static class RestoredPackages
{
    /// <summary>Packages without a library of their own whose contents end up in the file: the runtime and what is linked with it.</summary>
    private static readonly string[] LinkedIn = ["Microsoft.NETCore.App.Runtime.NativeAOT.", "runtime."];

    /// <exception cref="InvalidDataException">It is no such file, or a package is not where the restore has put it.</exception>
    public static IReadOnlyList<Component> Read(string file)
    {
        using var stream = File.OpenRead(file);
        using var assets = JsonDocument.Parse(stream);
        var root = assets.RootElement;
        string[] folders = [.. root.GetProperty("packageFolders").EnumerateObject().Select(folder => folder.Name)];
        var target = root.GetProperty("targets").EnumerateObject().Where(target => target.Name.Contains('/', StringComparison.Ordinal)).Select(target => target.Value).FirstOrDefault();
        if (target.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"{file} is of no build for a runtime");
        }

        var libraries = root.GetProperty("libraries");
        var components = new List<Component>();
        foreach (var package in target.EnumerateObject().Where(library => library.Value.GetProperty("type").GetString() == "package"))
        {
            var (name, version) = Split(package.Name);
            byte[] hash = libraries.GetProperty(package.Name).GetProperty("sha512").GetBytesFromBase64();
            string[] needs = package.Value.TryGetProperty("dependencies", out var dependencies) ? [.. dependencies.EnumerateObject().Select(dependency => dependency.Name)] : [];
            components.Add(new(name, version, hash, HasLibrary(package.Value) || IsLinkedIn(name), needs, Metadata(folders, name, version)));
        }

        components.AddRange(Downloaded(root, folders).Where(one => components.TrueForAll(other => other.Name != one.Name)));
        return [.. components.OrderBy(component => component.Name, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>The runtime is no dependency but a download, which may have turned out not to be needed.</summary>
    private static IEnumerable<Component> Downloaded(JsonElement root, string[] folders)
    {
        var frameworks = root.GetProperty("project").GetProperty("frameworks").EnumerateObject().First().Value;
        if (!frameworks.TryGetProperty("downloadDependencies", out var downloads))
        {
            yield break;
        }

        foreach (var download in downloads.EnumerateArray())
        {
            string name = download.GetProperty("name").GetString()!;
            string version = download.GetProperty("version").GetString()!.Trim('[', ']').Split(',')[0];
            string? hash = folders.Select(folder => Path.Combine(Folder(folder, name, version), $"{name}.{version}.nupkg.sha512".ToLowerInvariant())).FirstOrDefault(File.Exists);
            if (IsLinkedIn(name) && hash is not null)
            {
                yield return new(name, version, Convert.FromBase64String(File.ReadAllText(hash)), IsPart: true, [], Metadata(folders, name, version));
            }
        }
    }

    private static bool IsLinkedIn(string name) => LinkedIn.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    private static bool HasLibrary(JsonElement package) =>
        package.TryGetProperty("runtime", out var files) && files.EnumerateObject().Any(one => !one.Name.EndsWith("/_._", StringComparison.Ordinal));

    private static (string Name, string Version) Split(string library) => library.Split('/') is [var name, var version] ? (name, version) : (library, "");

    private static XElement? Metadata(string[] folders, string name, string version) => folders
        .Select(folder => Path.Combine(Folder(folder, name, version), $"{name.ToLowerInvariant()}.nuspec"))
        .Where(File.Exists)
        .Select(file => XDocument.Load(file).Root?.Elements().FirstOrDefault(element => element.Name.LocalName == "metadata"))
        .FirstOrDefault();

    private static string Folder(string root, string name, string version) => Path.Combine(root, name.ToLowerInvariant(), version.ToLowerInvariant());
}
