using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Hub.Tests;

/// <summary>What no layer may know, and other rules of the house (docs/architecture.md).</summary>
public sealed class LayerTests
{
    public static TheoryData<string, string> Forbidden => new()
    {
        { "MessageDelivery.Protocol", @"System\.Net|System\.Threading|Task\b|\bSocket\b|ILogger|TimeProvider|DateTime|Stopwatch" },
        { "MessageDelivery.Hub/Linux", @"MessageDelivery\.Protocol|Hub\.(Buffers|Transport|Routing|Sessions)" },
        { "MessageDelivery.Hub/Buffers", @"MessageDelivery\.Protocol|Hub\.(Transport|Routing|Sessions)|\bUser\b" },
        { "MessageDelivery.Hub/Transport", @"MessageDelivery\.Protocol|Hub\.(Routing|Sessions)|FrameHeader|\bRouter\b" },
        { "MessageDelivery.Hub/Routing", @"System\.Net|Hub\.Sessions|FrameHeader|DeliveryHeader|RelayLayout|\bSocket\b" },
        { "MessageDelivery.Hub/Sessions", @"System\.Net|\bSocket\b|StreamSocket|Hub\.Linux|Libc" },
        { "MessageDelivery.Client", @"MessageDelivery\.Hub;" },
    };

    [Theory]
    [MemberData(nameof(Forbidden))]
    public void No_layer_knows_what_it_must_not(string folder, string words)
    {
        var pattern = new Regex(words);
        var found = from file in Sources(folder)
                    from line in File.ReadLines(file)
                    where !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && pattern.IsMatch(line)
                    select $"{Path.GetFileName(file)}: {line.Trim()}";
        Assert.Empty(found);
    }

    [Fact]
    public void No_file_is_too_long_to_be_one_thing() =>
        Assert.Empty(Sources("").Where(file => File.ReadLines(file).Count() > 400).Select(Path.GetFileName));

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

    private static IEnumerable<string> Sources(string folder, [CallerFilePath] string here = "") =>
        Directory.EnumerateFiles(
                Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "src", folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal));
}
