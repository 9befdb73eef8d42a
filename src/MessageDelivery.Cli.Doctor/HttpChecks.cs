using System.Net;
using System.Security.Authentication;

namespace MessageDelivery.Cli.Doctor;

/// <summary>What a stranger gets from a running hub over HTTP: its health, and whether it tells its figures to everybody.</summary>
internal static class HttpChecks
{
    private const string Check = "http";

    public static async Task<IReadOnlyList<Finding>> RunAsync(DoctorContext context)
    {
        var findings = new List<Finding>();
        foreach (var hub in HubChecks.Candidates(context))
        {
            // In TLS where that is spoken: a hub may demand it.
            bool isEncrypted = (await HubProbe.TlsAsync(hub)).Version != SslProtocols.None;
            if (await HubProbe.HttpAsync(hub, isEncrypted, "/healthz") is not 0 and var health)
            {
                findings.AddRange(Judge(hub, health, await HubProbe.HttpAsync(hub, isEncrypted, "/readyz"), await HubProbe.HttpAsync(hub, isEncrypted, "/metrics")));
            }
        }

        return findings;
    }

    /// <summary>What the status of each answer means.</summary>
    public static IEnumerable<Finding> Judge(EndPoint hub, int health, int ready, int metrics)
    {
        string name = HubChecks.Name(hub);
        yield return (health, ready) switch
        {
            (200, 200) => new(Check, FindingLevel.Ok, $"the hub at {name} says that it is well and takes newcomers"),
            (200, 503) => new(Check, FindingLevel.Warn, $"the hub at {name} says that it takes no newcomers: it stops, or is out of memory", "see its log"),
            (503, _) => new(Check, FindingLevel.Fail, $"the hub at {name} says that a thread of its own hangs, or refuses HTTP", "see its log; restart it"),
            (403 or 421, _) => new(Check, FindingLevel.Warn, $"the hub at {name} is not asked for by that name, or not in the clear, over HTTP", "--allow-host names it"),
            (404, _) => new(Check, FindingLevel.Ok, $"the hub at {name} serves no HTTP"),
            _ => new(Check, FindingLevel.Warn, $"the hub at {name} answers {health} to /healthz", "whatever stands before it may not pass HTTP on"),
        };
        if (metrics == 200 && !HubChecks.IsLoopback(hub))
        {
            yield return new(Check, FindingLevel.Warn, $"the hub at {name} tells its metrics to everybody", "--metrics admin, unless a firewall keeps strangers out");
        }
    }
}
