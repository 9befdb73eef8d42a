using System.Xml.Linq;

namespace MessageDelivery.Sbom;

/// <summary>A package that the build has used.</summary>
/// <param name="Hash">SHA-512 of the package file.</param>
/// <param name="IsPart">Whether any of it is in the product; else it only helped to build.</param>
/// <param name="Dependencies">The names of packages that it needs.</param>
internal sealed record Component(string Name, string Version, byte[] Hash, bool IsPart, IReadOnlyList<string> Dependencies, XElement? Metadata)
{
    public string Address => $"pkg:nuget/{Name}@{Version}";

    public string? Author => Value("authors");

    public string? Description => Value("description");

    /// <summary>An SPDX identifier or expression; null where the package tells only where to read it, or nothing.</summary>
    public string? Licence => Element("license") is { } licence && (string?)licence.Attribute("type") == "expression" ? licence.Value.Trim() : null;

    public string? LicenceAddress => Value("licenseUrl");

    private string? Value(string name) => Element(name)?.Value.Trim() is { Length: > 0 } value ? value : null;

    private XElement? Element(string name) => Metadata?.Elements().FirstOrDefault(element => element.Name.LocalName == name);
}
