using System.Text.Json;
using System.Text.RegularExpressions;
using MessageDelivery.Integration.Tests.CommandLine;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Web;

/// <summary>A real Prometheus scrapes a hub, and every expression of packaging/ gives something there.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class PrometheusTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mds-admin").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task It_scrapes_the_hub_with_a_token_and_every_expression_of_the_dashboard_and_the_alerts_knows_what_it_names()
    {
        string admins = Path.Combine(_folder, "admin.json");
        string secret = (await MdsProcess.RunAsync("token", "admin", "--file", admins)).Text.Trim();
        await using var hub = await HubProcess.StartAsync(["serve", "--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--allow-anonymous", "--admin-token-file", admins], null);
        await using var alice = await (await RawConnection.ConnectAsync(hub.Endpoint)).HelloAsync();
        await using var prometheus = await PrometheusServer.StartAsync(hub.Endpoint, secret);
        Assert.Equal("1", (await prometheus.QueryAsync("up{job=\"mds\"}")).Single().GetProperty("value")[1].GetString());
        await prometheus.WaitAsync("count_over_time(mds_users[1m]) >= 2");

        // What users do is seen at a later scrape.
        await alice.SendAsync(Frames.Relay(alice.UserId, new byte[10]));
        await prometheus.WaitAsync("mds_relays_received_total == 1");

        foreach (string expression in DashboardExpressions().Concat(AlertExpressions()))
        {
            foreach (Match selector in Selector().Matches(expression))
            {
                // With what it selects by: a label's value that there is not is as wrong as a name.
                Assert.True((await prometheus.QueryAsync(selector.Value)).Count > 0, $"{expression}: there is no {selector.Value}");
            }

            // Comparisons leave nothing where all is well; without them there must be something.
            string compared = Comparison().Replace(expression, "");
            Assert.True((await prometheus.QueryAsync(compared)).Count > 0, $"{compared} gives nothing");
            await prometheus.QueryAsync(expression);
        }

        // The rules as the server has them: all are evaluated, and nothing is wrong with this hub.
        var rules = (await prometheus.GetAsync("api/v1/rules")).GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray()).ToList();
        Assert.Equal(AlertExpressions().Count(), rules.Count);
        Assert.All(rules, rule => Assert.Equal(("ok", "inactive"), (rule.GetProperty("health").GetString(), rule.GetProperty("state").GetString())));
    }

    [Fact]
    public async Task Without_its_token_the_hub_is_down_for_it()
    {
        await using var hub = await HubProcess.StartAsync("--trusted-proxy", "192.0.2.0/24");
        await using var prometheus = await PrometheusServer.StartAsync(hub.Endpoint);
        Assert.Equal("0", (await prometheus.QueryAsync("up{job=\"mds\"}")).Single().GetProperty("value")[1].GetString());
        await prometheus.WaitAsync("ALERTS{alertname=\"MdsDown\"}");
    }

    [Fact]
    public async Task Promtool_takes_the_alert_rules()
    {
        var (exitCode, said) = await PrometheusServer.PromtoolAsync("", "check", "rules", "--lint=all", "--lint-fatal", Repository.File("packaging/prometheus/mds.rules.yml"));
        Assert.Equal((0, ""), (exitCode, said));
    }

    [Fact]
    public void Panels_and_alerts_tell_people_what_they_show()
    {
        var panels = Dashboard().GetProperty("panels").EnumerateArray().Where(panel => panel.GetProperty("type").GetString() != "row").ToList();
        Assert.NotEmpty(panels);
        Assert.All(panels, panel => Assert.True(panel.GetProperty("description").GetString()!.Length > 0 && panel.GetProperty("targets").GetArrayLength() > 0));
        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("title").GetString()).Distinct().Count());
        string rules = File.ReadAllText(Repository.File("packaging/prometheus/mds.rules.yml"));
        Assert.Equal(Regex.Count(rules, "- alert:"), Regex.Count(rules, "summary:"));
        Assert.Equal(Regex.Count(rules, "- alert:"), Regex.Count(rules, "description:"));
    }

    private static JsonElement Dashboard() => JsonDocument.Parse(File.ReadAllText(Repository.File("packaging/grafana/mds.json"))).RootElement;

    /// <summary>As Grafana asks them.</summary>
    private static IEnumerable<string> DashboardExpressions() =>
        from panel in Dashboard().GetProperty("panels").EnumerateArray()
        where panel.TryGetProperty("targets", out _)
        from target in panel.GetProperty("targets").EnumerateArray()
        select target.GetProperty("expr").GetString()!.Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal);

    private static IEnumerable<string> AlertExpressions() => Expression().Matches(File.ReadAllText(Repository.File("packaging/prometheus/mds.rules.yml")))
        .Select(match => Regex.Replace(match.Groups[1].Value, "\\s+", " ").Trim());

    [GeneratedRegex(@"^        expr: (?:>-\n)?((?:.+\n)(?:          .+\n)*)", RegexOptions.Multiline)]
    private static partial Regex Expression();

    [GeneratedRegex(@"\b(?:mds|dotnet|up)[a-z_0-9]*(?:\{[^}]*\})?")]
    private static partial Regex Selector();

    [GeneratedRegex(@" (?:==|>=|<=|>|<) (?:\d[\d.]*$|.*)")]
    private static partial Regex Comparison();
}
