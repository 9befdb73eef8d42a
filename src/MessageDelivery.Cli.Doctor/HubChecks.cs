using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Authentication;
using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Cli.Doctor;

/// <summary>Whether a hub can listen, whether one answers, and whom it lets in.</summary>
internal static class HubChecks
{
    private const int MaxAddresses = 8;

    /// <summary>Whether each endpoint can be listened on, or what listens there.</summary>
    public static async Task<IReadOnlyList<Finding>> PortsAsync(DoctorContext context)
    {
        const string check = "port";
        var findings = new List<Finding>();
        foreach (var endpoint in context.Options.Listen)
        {
            switch (Bind(endpoint))
            {
                case null:
                    findings.Add(new(check, FindingLevel.Ok, $"{endpoint} is free"));
                    break;
                case SocketError.AddressAlreadyInUse:
                    var there = await HubProbe.TextAsync(Local(endpoint), isEncrypted: false);
                    findings.Add(there.Outcome is ProbeOutcome.NoAnswer or ProbeOutcome.NotAHub
                        ? new(check, FindingLevel.Fail, $"{endpoint} is taken, and who is there does not answer like a hub: {OneLine.Of(there.Words)}", "find it with ss -ltnp, or use another port")
                        : new(check, FindingLevel.Ok, $"a hub is running on {endpoint}"));
                    break;
                case SocketError.AccessDenied:
                    findings.Add(new(check, FindingLevel.Fail, $"{endpoint} may not be listened on by this user", "use a port from 1024, or CAP_NET_BIND_SERVICE, or mds.socket"));
                    break;
                case SocketError.AddressNotAvailable:
                    findings.Add(new(check, FindingLevel.Fail, $"{endpoint} is no address of this machine", "ip address lists them"));
                    break;
                case var error:
                    findings.Add(new(check, FindingLevel.Fail, $"{endpoint} cannot be listened on: {error}", "see what serve says"));
                    break;
            }
        }

        return findings;
    }

    /// <summary>What a stranger gets from the running hub, at each address under which it can be reached.</summary>
    public static async Task<IReadOnlyList<Finding>> ExposureAsync(DoctorContext context)
    {
        const string check = "exposure";
        var findings = new List<Finding>();
        foreach (var hub in Candidates(context))
        {
            var tls = await HubProbe.TlsAsync(hub);
            bool isEncrypted = tls.Version != SslProtocols.None;
            var plain = await KnockAsync(hub, isEncrypted: false);
            var inside = isEncrypted ? await KnockAsync(hub, isEncrypted: true) : null;
            findings.AddRange(Judge(check, hub, IsLoopback(hub), context, plain, inside));
            if (tls.Certificate is { } certificate)
            {
                findings.AddRange(CertificateCheck.Presented(certificate, tls.Others, Name(hub), context.Time.GetUtcNow()));
            }
        }

        return findings;
    }

    /// <summary>Where the hub that is looked at may answer: the one that was named, or each address that the settings listen on.</summary>
    internal static IReadOnlyList<EndPoint> Candidates(DoctorContext context) =>
        context.Hub is { } named ? [named] : [.. context.Options.Listen.SelectMany(Reachable).Take(MaxAddresses)];

    /// <summary>What a stranger's answers mean.</summary>
    /// <param name="plain">Without TLS.</param>
    /// <param name="inside">Within TLS; null where that is not offered.</param>
    public static IEnumerable<Finding> Judge(
        string check, EndPoint hub, bool isLoopback, DoctorContext context, ProbeResult plain, ProbeResult? inside)
    {
        string name = Name(hub);
        if (new[] { plain, inside }.All(result => result is null or { Outcome: ProbeOutcome.NoAnswer }))
        {
            // Where no hub was named, none need be running.
            if (context.Hub is not null)
            {
                yield return new(check, FindingLevel.Fail, $"no hub answers at {name}: {OneLine.Of(plain.Words)}", "start it, or name where it is");
            }

            yield break;
        }

        if (plain.Outcome == ProbeOutcome.NotAHub)
        {
            yield return new(check, FindingLevel.Fail, $"who answers at {name} is no hub: {OneLine.Of(plain.Words)}", "name where the hub is");
            yield break;
        }

        bool isOpen = plain.Outcome == ProbeOutcome.LetIn || inside?.Outcome == ProbeOutcome.LetIn;
        yield return (isOpen, isLoopback) switch
        {
            (true, true) => new(check, FindingLevel.Ok, $"the hub at {name} lets everybody on this machine in"),
            (true, false) => new(
                check, context.Options.AllowAnonymous ? FindingLevel.Warn : FindingLevel.Fail,
                $"the hub at {name} lets everybody who reaches it in, without authentication",
                "demand authentication, or listen on 127.0.0.1"),
            _ when plain.Outcome == ProbeOutcome.AuthenticationWanted || inside?.Outcome == ProbeOutcome.AuthenticationWanted =>
                new(check, FindingLevel.Ok, $"the hub at {name} lets nobody in who does not say who it is"),
            _ => new(check, FindingLevel.Warn, $"the hub at {name} refuses strangers: {OneLine.Of((inside ?? plain).Words)}", "if that is too_many_connections or overloaded, see its log"),
        };
        if (!isLoopback && plain.Outcome is ProbeOutcome.LetIn or ProbeOutcome.AuthenticationWanted)
        {
            yield return new(
                check, FindingLevel.Warn, $"the hub at {name} speaks without TLS: what is said, tokens included, can be read and changed on the way",
                "demand TLS, or put the hub behind a tunnel");
        }
    }

    private static async Task<ProbeResult> KnockAsync(EndPoint hub, bool isEncrypted)
    {
        var text = await HubProbe.TextAsync(hub, isEncrypted);
        if (text.Outcome is ProbeOutcome.LetIn or ProbeOutcome.NotAHub)
        {
            return text;
        }

        // What one protocol refuses, another must not let in.
        var binary = await HubProbe.BinaryAsync(hub, isEncrypted);
        return binary.Outcome is ProbeOutcome.LetIn || text.Outcome == ProbeOutcome.NoAnswer ? binary : text;
    }

    private static SocketError? Bind(IPEndPoint endpoint)
    {
        if (endpoint.Port == 0)
        {
            return null;
        }

        try
        {
            using var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;
            }

            socket.Bind(endpoint);
            socket.Listen(1);
            return null;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode;
        }
    }

    /// <summary>Where somebody reaches what listens there: each of the machine's addresses for one that means all.</summary>
    private static IEnumerable<EndPoint> Reachable(IPEndPoint endpoint)
    {
        if (endpoint.Port == 0)
        {
            return [];
        }

        return endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any)
            ? [Local(endpoint), .. Own(endpoint.AddressFamily).Select(address => new IPEndPoint(address, endpoint.Port))]
            : [endpoint];
    }

    private static IEnumerable<IPAddress> Own(AddressFamily family) =>
        from network in NetworkInterface.GetAllNetworkInterfaces()
        where network.OperationalStatus != OperationalStatus.Down
        from address in network.GetIPProperties().UnicastAddresses
        where address.Address.AddressFamily == family && !IPAddress.IsLoopback(address.Address) && !address.Address.IsIPv6LinkLocal
        select address.Address;

    private static IPEndPoint Local(IPEndPoint endpoint) =>
        endpoint.Address.Equals(IPAddress.Any) ? new(IPAddress.Loopback, endpoint.Port)
        : endpoint.Address.Equals(IPAddress.IPv6Any) ? new(IPAddress.IPv6Loopback, endpoint.Port)
        : endpoint;

    internal static bool IsLoopback(EndPoint hub) =>
        hub is IPEndPoint endpoint ? IPAddress.IsLoopback(endpoint.Address) : hub is DnsEndPoint { Host: "localhost" };

    internal static string Name(EndPoint hub) => hub is DnsEndPoint named ? $"{named.Host}:{named.Port}" : $"{hub}";
}
