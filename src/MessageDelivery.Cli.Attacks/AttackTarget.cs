using System.Net.NetworkInformation;
using System.Net.Security;
using System.Net.Sockets;
using System.Net;
using System.Text;
using MessageDelivery.Client;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

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

    /// <summary>Trusts whatever it meets: the healthy pair, which comes first, is who checks the certificate.</summary>
    public SslClientAuthenticationOptions TlsOptions => WireConnection.TrustAnybody(Options.Host);

    /// <summary>The token that the healthy show, in UTF-8; empty where there is none.</summary>
    public byte[] Token => Encoding.UTF8.GetBytes(Options.Token ?? "");

    /// <summary>The HELLO of a user who may come in.</summary>
    public byte[] Hello(HelloFlags flags = HelloFlags.None) => FrameBytes.Hello(flags, token: Token);

    /// <summary>Finds the hub's address.</summary>
    /// <exception cref="HubConnectionException">There is none of that name.</exception>
    public static async Task<AttackTarget> ResolveAsync(HubClientOptions options, CancellationToken cancellationToken)
    {
        try
        {
            var addresses = IPAddress.TryParse(options.Host, out var address)
                ? [address]
                : await Dns.GetHostAddressesAsync(options.Host, cancellationToken);
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
        string? plain = await HelloAsync(isTls: false, cancellationToken);
        bool hasTls = await HandshakesAsync(cancellationToken);
        bool wantsTls = hasTls && plain is not (Answer.Welcome or "GOODBYE auth_required" or "GOODBYE auth_failed");
        string? answer = wantsTls ? await HelloAsync(isTls: true, cancellationToken) : plain;
        return this with { HasTls = hasTls, WantsTls = wantsTls, IsOpen = answer == Answer.Welcome };
    }

    private async Task<bool> HandshakesAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        await using var connection = await HostileConnection.OpenAsync(this, new(), isTls: true, reads: true, limit.Token);
        return connection is not null;
    }

    private async Task<string?> HelloAsync(bool isTls, CancellationToken cancellationToken)
    {
        await using var connection = await HostileConnection.OpenAsync(this, new(), isTls, reads: true, cancellationToken);
        return connection is not null && await connection.SendAsync(FrameBytes.Hello(), cancellationToken)
            ? (await connection.NextAsync(Patience, cancellationToken))?.Name
            : null;
    }

    private static bool IsOfThisMachine(IPAddress address) =>
        IPAddress.IsLoopback(address)
        || NetworkInterface.GetAllNetworkInterfaces()
            .Any(card => card.GetIPProperties().UnicastAddresses.Any(own => own.Address.Equals(address)));
}
