using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MessageDelivery.Client;

/// <summary>
/// Whether a <see cref="HubClient"/> is connected; else why not. It asks the hub nothing: a hub that makes this sender wait for a full
/// receiver would not answer, and heartbeats notice one that is gone. Register it with
/// <c>services.AddHealthChecks().AddCheck&lt;HubClientHealthCheck&gt;("hub")</c>.
/// </summary>
/// <param name="client">The client, as <c>AddHubClient</c> provides it.</param>
public sealed class HubClientHealthCheck(HubClient client) : IHealthCheck
{
    /// <summary>Healthy while the client is connected; otherwise the registration's failure status, which is unhealthy by default.</summary>
    /// <param name="context">How the check is registered.</param>
    /// <param name="cancellationToken">Not needed: nothing is waited for.</param>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        ConnectionState state = client.ConnectionState;
        if (state == ConnectionState.Connected)
        {
            return Task.FromResult(HealthCheckResult.Healthy($"connected to {client.HubName} as user {client.UserId}"));
        }

        HubConnectionException? trouble = client.Trouble;
        string doing = state switch
        {
            ConnectionState.Connecting => "connecting to",
            ConnectionState.Reconnecting => "connecting again to",
            _ => "closed for good; it was a client of",
        };
        string description = trouble is null ? $"{doing} {client.HubName}" : $"{doing} {client.HubName}: {trouble.Message}";
        return Task.FromResult(new HealthCheckResult(context.Registration.FailureStatus, description, trouble));
    }
}
