using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Operations;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Web;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>docs/operations.md lists what the program has.</summary>
public sealed class ManualTests
{
    private static readonly string[] Manual = File.ReadAllLines(Repository.File("docs/operations.md"));

    [Fact]
    public void Every_setting_has_its_row() => Assert.All(HubSettings.All, setting =>
        AssertRow($"| `{setting.OptionName}` | `{setting.EnvironmentName}` | `{setting.JsonName}` | "));

    [Fact]
    public void Settings_are_in_groups_and_their_rows_short()
    {
        string[] section = [.. Manual.SkipWhile(line => line != "## Settings").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))];
        string[] rows = [.. section.Where(line => line.StartsWith("| `--", StringComparison.Ordinal))];
        Assert.Equal(HubSettings.All.Count, rows.Length);
        Assert.True(section.Count(line => line.StartsWith("### ", StringComparison.Ordinal)) >= 5, "Groups have headings of their own.");

        // What needs more words stands below its table.
        Assert.DoesNotContain(rows, row => row.Trim('|', ' ').Split('|')[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Length > 25);
    }

    [Fact]
    public void Every_exit_code_has_its_row()
    {
        string[] section = [.. Manual.SkipWhile(line => line != "## Exit codes").TakeWhile(line => line != "## Logs")];
        Assert.All(Enum.GetValues<ExitCode>(), code =>
            Assert.Single(section, line => line.StartsWith($"| {(int)code} | ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_log_event_has_its_row_and_an_id_of_its_own()
    {
        var events = new[] { typeof(HubLog), typeof(ServeLog), typeof(WebLog) }.SelectMany(log => log.GetMethods(BindingFlags.Static | BindingFlags.Public))
            .Select(method => (method.Name, Attribute: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(entry => entry.Attribute is not null)
            .Select(entry => (entry.Name, Id: entry.Attribute!.EventId, entry.Attribute.Level))
            .ToList();
        Assert.NotEmpty(events);
        Assert.Equal(events.Count, events.Select(entry => entry.Id).Distinct().Count());
        Assert.All(events, entry => AssertRow($"| {entry.Id} | `{entry.Name}` | {entry.Level.ToString().ToLowerInvariant()} | "));
    }

    [Fact]
    public void Every_reason_for_a_disconnect_has_its_row() => Assert.All(
        Enum.GetValues<CloseReason>().Where(reason => reason != CloseReason.None),
        reason => AssertRow($"| `{HubMetrics.Name(reason)}` | "));

    [Fact]
    public async Task Every_metric_has_its_row()
    {
        var names = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == HubMetrics.MeterName)
                {
                    lock (names)
                    {
                        names.Add(instrument.Name);
                    }
                }
            },
        };
        listener.Start();
        await using (var hub = new MessageHub(new() { Listen = [new(System.Net.IPAddress.Loopback, 0)] }))
        {
            await hub.StartAsync();
        }

        Assert.NotEmpty(names);
        Assert.All(names, name => AssertRow(string.Create(CultureInfo.InvariantCulture, $"| `{name}` | ")));
    }

    private static void AssertRow(string beginning) =>
        Assert.Single(Manual, line => line.StartsWith(beginning, StringComparison.Ordinal));
}
