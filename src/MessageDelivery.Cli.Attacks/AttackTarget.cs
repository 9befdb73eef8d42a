using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Net.Sockets;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Attacks;

/// <summary>The hub that is attacked, as far as somebody who has only its address, and perhaps a token, can know it.</summary>
internal sealed record AttackTarget
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>How a healthy client connects.</summary>
    public required HubClientOptions Options { get; init; }

    public required IPEndPoint Endpoint { get; init; }

    /// <summary>Whether it is this machine itself.</summary>
    public bool IsLocal { get; private init; }

    /// <summary>Whether it is reached without any network.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Endpoint.Address);

    /// <summary>Whether it finishes TLS handshakes.</summary>
    public bool HasTls { get; private init; }

    /// <summary>Whether it hears nobody without TLS, so that attacks are made inside it.</summary>
    public bool WantsTls { get; private init; }

    /// <summary>Whether it lets in who has no token.</summary>
    public bool IsOpen { get; private init; }

    /// <summary>For TLS connections that trust whatever they meet: the healthy pair, which comes first, is who checks the certificate.</summary>
    public SslClientAuthenticationOptions TlsOptions => CreateTlsOptions();

    [SuppressMessage("Security", "CA5359", Justification = "An attacker takes whatever certificate it meets.")]
    private SslClientAuthenticationOptions CreateTlsOptions() => new()
    {
        TargetHost = Options.Host,
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
    };

    /// <summary>Finds the hub's address.</summary>
    /// <exception cref="HubConnectionException">There is none of that name.</exception>
    public static async Task<AttackTarget> ResolveAsync(HubClientOptions options, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = IPAddress.TryParse(options.Host, out var address)
                ? [address]
                : await Dns.GetHostAddressesAsync(options.Host, cancellationToken).ConfigureAwait(false);
            address = addresses.FirstOrDefault(found => found.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
            return new() { Options = options, Endpoint = new(address, options.Port), IsLocal = IsOfThisMachine(address) };
        }
        catch (SocketException exception)
        {
            throw new HubConnectionException(null, $"{options.Host} has no address: {exception.Message}", exception);
        }
    }

    /// <summary>Asks the hub politely what it offers.</summary>
    public async Task<AttackTarget> ProbeAsync(CancellationToken cancellationToken)
    {
        string? plain = await HelloAsync(isTls: false, cancellationToken).ConfigureAwait(false);
        bool hasTls = await HandshakesAsync(cancellationToken).ConfigureAwait(false);
        bool wantsTls = hasTls && plain is not (Answer.Welcome or "GOODBYE auth_required" or "GOODBYE auth_failed");
        string? answer = wantsTls ? await HelloAsync(isTls: true, cancellationToken).ConfigureAwait(false) : plain;
        return this with { HasTls = hasTls, WantsTls = wantsTls, IsOpen = answer == Answer.Welcome };
    }

    private async Task<bool> HandshakesAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        var connection = await HostileConnection.OpenAsync(
            this, new(), isTls: true, reads: true, keepsBodies: false, limit.Token).ConfigureAwait(false);
        if (connection is null)
        {
            return false;
        }

        await connection.DisposeAsync().ConfigureAwait(false);
        return true;
    }

    private async Task<string?> HelloAsync(bool isTls, CancellationToken cancellationToken)
    {
        var connection = await HostileConnection.OpenAsync(
            this, new(), isTls, reads: true, keepsBodies: false, cancellationToken).ConfigureAwait(false);
        if (connection is null)
        {
            return null;
        }

        await using (connection.ConfigureAwait(false))
        {
            await connection.SendAsync(FrameBytes.Hello((string?)null), cancellationToken).ConfigureAwait(false);
            return (await connection.NextAsync(Patience, cancellationToken).ConfigureAwait(false))?.Name;
        }
    }

    private static bool IsOfThisMachine(IPAddress address) =>
        IPAddress.IsLoopback(address)
        || NetworkInterface.GetAllNetworkInterfaces()
            .Any(card => card.GetIPProperties().UnicastAddresses.Any(own => own.Address.Equals(address)));
}
