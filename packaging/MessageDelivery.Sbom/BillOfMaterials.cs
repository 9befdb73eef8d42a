using System.Security.Cryptography;
using System.Text.Json;

namespace MessageDelivery.Sbom;

/// <summary>A bill of materials as CycloneDX 1.6 in JSON. The same build makes the same bytes.</summary>
internal static class BillOfMaterials
{
    private const string ProductReference = "mds";

    /// <param name="program">The file that the bill is about.</param>
    /// <param name="time">When it was built.</param>
    public static void Write(Stream output, string program, string version, DateTimeOffset time, IReadOnlyList<Component> components)
    {
        byte[] hash = SHA256.HashData(File.ReadAllBytes(program));
        using var json = new Utf8JsonWriter(output, new() { Indented = true });
        json.WriteStartObject();
        json.WriteString("bomFormat", "CycloneDX");
        json.WriteString("specVersion", "1.6");
        // Of the file's own hash, so that it names this build and no other.
        json.WriteString("serialNumber", $"urn:uuid:{new Guid(hash.AsSpan(0, 16), bigEndian: true)}");
        json.WriteNumber("version", 1);
        json.WriteStartObject("metadata");
        json.WriteString("timestamp", time.UtcDateTime);
        json.WriteStartObject("component");
        json.WriteString("type", "application");
        json.WriteString("bom-ref", ProductReference);
        json.WriteString("name", "mds");
        json.WriteString("version", version);
        WriteHash(json, "SHA-256", hash);
        WriteLicence(json, "MIT", null);
        json.WriteEndObject();
        json.WriteEndObject();
        WriteComponents(json, components);
        WriteDependencies(json, components);
        json.WriteEndObject();
    }

    private static void WriteComponents(Utf8JsonWriter json, IReadOnlyList<Component> components)
    {
        json.WriteStartArray("components");
        foreach (var component in components)
        {
            json.WriteStartObject();
            json.WriteString("type", "library");
            json.WriteString("bom-ref", component.Address);
            if (component.Author is { } author)
            {
                json.WriteString("publisher", author);
            }

            json.WriteString("name", component.Name);
            json.WriteString("version", component.Version);
            if (component.Description is { } description)
            {
                json.WriteString("description", description);
            }

            json.WriteString("scope", component.IsPart ? "required" : "excluded");
            WriteHash(json, "SHA-512", component.Hash);
            WriteLicence(json, component.Licence, component.LicenceAddress);
            json.WriteString("purl", component.Address);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDependencies(Utf8JsonWriter json, IReadOnlyList<Component> components)
    {
        var addresses = components.ToDictionary(component => component.Name, component => component.Address, StringComparer.OrdinalIgnoreCase);
        json.WriteStartArray("dependencies");
        WriteDependency(json, ProductReference, components.Select(component => component.Address));
        foreach (var component in components)
        {
            WriteDependency(json, component.Address, component.Dependencies.Where(addresses.ContainsKey).Select(name => addresses[name]));
        }

        json.WriteEndArray();
    }

    private static void WriteDependency(Utf8JsonWriter json, string reference, IEnumerable<string> on)
    {
        json.WriteStartObject();
        json.WriteString("ref", reference);
        json.WriteStartArray("dependsOn");
        foreach (string address in on.Distinct().Order(StringComparer.Ordinal))
        {
            json.WriteStringValue(address);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteHash(Utf8JsonWriter json, string algorithm, byte[] hash)
    {
        json.WriteStartArray("hashes");
        json.WriteStartObject();
        json.WriteString("alg", algorithm);
        json.WriteString("content", Convert.ToHexStringLower(hash));
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteLicence(Utf8JsonWriter json, string? licence, string? address)
    {
        if (licence is null && address is null)
        {
            return;
        }

        json.WriteStartArray("licenses");
        json.WriteStartObject();
        if (licence?.Contains(' ', StringComparison.Ordinal) ?? false)
        {
            json.WriteString("expression", licence);
        }
        else
        {
            json.WriteStartObject("license");
            json.WriteString(licence is null ? "name" : "id", licence ?? "as told at its address");
            if (licence is null)
            {
                json.WriteString("url", address);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndArray();
    }
}
