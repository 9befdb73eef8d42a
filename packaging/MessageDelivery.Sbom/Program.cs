using System.Globalization;
using MessageDelivery.Sbom;

if (args is not [var assets, var program, var version, var output])
{
    Console.Error.WriteLine("mds-sbom: use mds-sbom PROJECT.ASSETS.JSON PROGRAM VERSION OUTPUT; SOURCE_DATE_EPOCH is the time it tells");
    return 2;
}

try
{
    var time = long.TryParse(Environment.GetEnvironmentVariable("SOURCE_DATE_EPOCH"), NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
        ? DateTimeOffset.FromUnixTimeSeconds(seconds)
        : new DateTimeOffset(File.GetLastWriteTimeUtc(program));
    var components = RestoredPackages.Read(assets);
    using var file = File.Create(output);
    BillOfMaterials.Write(file, program, version, time, components);
    Console.WriteLine($"{components.Count(component => component.IsPart)} packages are part of it, {components.Count(component => !component.IsPart)} helped to build it");
    return 0;
}
catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException or System.Text.Json.JsonException)
{
    Console.Error.WriteLine($"mds-sbom: {exception.Message}");
    return 6;
}
