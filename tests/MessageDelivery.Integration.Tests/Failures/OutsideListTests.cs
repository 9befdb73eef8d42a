using System.Text.RegularExpressions;
using MessageDelivery.Hub.Outside;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Failures;

/// <summary>The list of calls out of the hub is complete, and each has a trial and a row in the manual.</summary>
public sealed class OutsideListTests
{
    /// <summary>The test that tries each: a new call out of the hub needs one.</summary>
    private static readonly Dictionary<OutsideCall, string> Trials = new()
    {
        [OutsideCall.Log] = nameof(OutsideCallTests.A_log_that_fails),
        [OutsideCall.LogIsEnabled] = nameof(OutsideCallTests.A_log_that_fails_to_say_what_it_wants),
        [OutsideCall.AuditRecord] = nameof(OutsideCallTests.An_audit_that_fails),
        [OutsideCall.ReadClock] = nameof(OutsideCallTests.A_clock_that_fails),
        [OutsideCall.ClockTimer] = nameof(OutsideCallTests.Timers_that_fail),
        [OutsideCall.CreateMeter] = nameof(OutsideCallTests.Meters_that_cannot_be_made),
        [OutsideCall.EndMeter] = nameof(OutsideCallTests.Listeners_that_fail_at_the_end_of_meters),
        [OutsideCall.Authenticate] = nameof(AuthenticatorTests.One_that_fails_at_any_of_its_calls),
        [OutsideCall.MayStay] = nameof(AuthenticatorTests.One_that_fails_to_say_who_may_stay),
        [OutsideCall.CreateLogger] = nameof(OutsideCallTests.A_logger_that_cannot_be_made),
        [OutsideCall.StopApplication] = nameof(OutsideCallTests.A_host_that_cannot_be_stopped),
    };

    // Where such a call is made, and nowhere else. An authenticator of the hub's own reads the clock that it was given inside a call that is guarded.
    private static readonly (string Pattern, string[] Files)[] Calls =
    [
        (@"(?<!Stopwatch)\.GetTimestamp\(|\.GetUtcNow\(|\.CreateTimer\(|\.TimestampFrequency", ["HubClock.cs", "AuthenticationService.cs", "TokenAuthenticator.cs", "JwtAuthenticator.cs"]),
        (@"\.AuthenticateAsync\(", ["TokenCheck.cs"]),
        (@"\bauthenticator\.MayStay\(|\bnow\.MayStay\(", ["AuthenticationService.cs"]),
        (@"\bIHubAudit\b", ["CalledAudit.cs", "Embedder.cs", "AuditTrail.cs", "AuditEvent.cs", "MessageHubOptions.cs"]),
        (@"\.CreateLogger\b", ["Embedder.cs"]),
        (@"\bMeter\(|\?\.Create\(MeterName\)|_meter\?*\.", ["HubMetrics.cs"]),
        (@"\.StopApplication\(", ["MessageHubService.cs"]),
    ];

    [Fact]
    public void Every_call_has_a_trial() => Assert.Equal(Enum.GetValues<OutsideCall>(), Trials.Keys.Order());

    [Fact]
    public void Every_trial_is_a_test()
    {
        var tests = new[] { typeof(OutsideCallTests), typeof(AuthenticatorTests) }
            .SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttributes(typeof(FactAttribute), inherit: true).Length > 0)
            .Select(method => method.Name)
            .ToHashSet();
        Assert.All(Trials.Values, trial => Assert.Contains(trial, tests));
    }

    [Fact]
    public void Every_call_has_its_row_in_the_manual()
    {
        string[] section = [.. File.ReadLines(Repository.File("docs/operations.md"))
            .SkipWhile(line => line != "## When something fails").TakeWhile(line => line != "## What is guaranteed")];
        Assert.All(Enum.GetValues<OutsideCall>(), call =>
            Assert.Single(section, line => line.StartsWith($"| `{call}` | ", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_call_goes_past_the_guards()
    {
        string[] files = [.. Directory.EnumerateFiles(Repository.File("src/MessageDelivery.Hub"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))];
        Assert.NotEmpty(files);
        Assert.All(Calls, call => Assert.Empty(
            from file in files
            where !call.Files.Contains(Path.GetFileName(file))
            from line in File.ReadLines(file)
            where !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && Regex.IsMatch(line, call.Pattern)
            select $"{Path.GetFileName(file)}: {line.Trim()}"));
    }
}
