using System.Globalization;
using System.Text.Json;
using MessageDelivery.Scenarios;
using MessageDelivery.Scenarios.Measuring;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Proxy;

namespace MessageDelivery.Torture.Running;

/// <summary>What a run prints at its end.</summary>
internal sealed class TortureReport(
    TortureSettings settings,
    HubOffer offer,
    Checker checker,
    FaultCounts faults,
    MemoryWatch memory,
    MemorySlope? slope,
    MetersCheck? meters,
    Sabotage? sabotage,
    TimeSpan loaded,
    TimeSpan drained,
    List<string> failures)
{
    private readonly List<(string Name, object Value)> _figures = [];

    /// <summary>Prints it, writes the file if one is wanted; the exit code.</summary>
    public int Print()
    {
        Collect();
        int width = _figures.Max(figure => figure.Name.Length);
        foreach (var (name, value) in _figures)
        {
            Console.Out.WriteLine($"{name.PadRight(width)}  {Text(value)}");
        }

        PrintViolations();
        failures.ForEach(failure => Console.Out.WriteLine($"FAILED: {failure}"));
        long violations = checker.ViolationCounts.Values.Sum();
        bool isGood = violations == 0 && failures.Count == 0;
        Console.Out.WriteLine(isGood ? "PASSED: everything is accounted for" : $"FAILED: {Quantity.Count(violations)} violations, {failures.Count} other failures");
        if (settings.Json is { } file)
        {
            Write(file, isGood);
        }

        return isGood ? 0 : 1;
    }

    private static string Text(object value) => value switch
    {
        long number => Quantity.Count(number),
        double number => number.ToString("#,0.0", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private void Collect()
    {
        var counts = checker.Counts;
        Add("seed", (long)settings.Seed);
        Add("mode", settings.IsSoak ? "soak" : settings.Break is { } kind ? $"faults, and the proxy breaks: {kind}" : "faults");
        Add("resumable sessions", offer.HasResume ? "yes" : "no");
        Add("confirmed receipts", offer.HasConfirm ? "yes" : "no");
        Add("duration (s)", loaded.TotalSeconds);
        Add("drain (s)", drained.TotalSeconds);
        foreach (var fault in Enum.GetValues<FaultKind>())
        {
            Add($"faults survived: {Words(fault.ToString())}", faults[fault]);
        }

        Add("relays sent", counts.Sent);
        Add("relays a second", counts.Sent / loaded.TotalSeconds);
        Add("relays checked", counts.Checked);
        Add("copies confirmed", counts.Confirmed);
        Add("copies not confirmed in time", counts.Unconfirmed);
        Add("copies held", counts.Held);
        Add("copies refused", counts.Refused);
        Add("copies of unknowable fate", counts.Unknowable);
        Add("relays rejected", counts.Rejected);
        Add("deliveries", counts.Deliveries);
        Add("sessions", counts.Sessions);
        Add("resumes", counts.Resumes);
        Add("fresh identities", counts.FreshIdentities);
        Add("peak hub memory (MiB)", memory.PeakBytes / (double)(1 << 20));
        Add("hub memory at the end (MiB)", (memory.Samples.Count == 0 ? 0 : memory.Samples[^1].ResidentBytes) / (double)(1 << 20));
        if (slope is not null)
        {
            Add("slope of hub memory (MiB/h)", slope.BytesPerHour / (1 << 20));
        }

        if (meters is not null)
        {
            Add("message memory before (bytes)", meters.Before);
            Add("message memory after (bytes)", meters.After);
        }

        if (sabotage is not null)
        {
            Add("broken on purpose", sabotage.Done);
        }

        foreach (var (violation, number) in checker.ViolationCounts)
        {
            Add($"violations: {Words(violation.ToString())}", number);
        }

        Add("violations", checker.ViolationCounts.Values.Sum());
    }

    private void PrintViolations()
    {
        // The shortest history of each kind shows the most.
        foreach (var group in checker.Violations.GroupBy(violation => violation.Kind))
        {
            var shortest = group.MinBy(violation => violation.History.Count == 0 ? int.MaxValue : violation.History.Count)!;
            Console.Out.WriteLine();
            Console.Out.WriteLine($"VIOLATION ({Words(group.Key.ToString())}): {shortest.What}");
            foreach (string line in shortest.History)
            {
                Console.Out.WriteLine($"  {line}");
            }
        }
    }

    private void Write(FileInfo file, bool isGood)
    {
        using var stream = file.Create();
        using var json = new Utf8JsonWriter(stream, new() { Indented = true });
        json.WriteStartObject();
        foreach (var (name, value) in _figures)
        {
            string key = name.Replace(":", "", StringComparison.Ordinal).Replace(' ', '_');
            switch (value)
            {
                case long number:
                    json.WriteNumber(key, number);
                    break;
                case double number:
                    json.WriteNumber(key, number);
                    break;
                default:
                    json.WriteString(key, Text(value));
                    break;
            }
        }

        json.WriteBoolean("passed", isGood);
        json.WriteStartArray("failures");
        failures.ForEach(json.WriteStringValue);
        json.WriteEndArray();
        json.WriteStartArray("findings");
        foreach (var violation in checker.Violations)
        {
            json.WriteStartObject();
            json.WriteString("kind", Words(violation.Kind.ToString()));
            json.WriteString("what", violation.What);
            json.WriteStartArray("history");
            foreach (string line in violation.History)
            {
                json.WriteStringValue(line);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void Add(string name, object value) => _figures.Add((name, value));

    /// <summary><c>HalfOpen</c> as <c>half open</c>.</summary>
    private static string Words(string name) =>
        string.Concat(name.Select((letter, i) => i > 0 && char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
