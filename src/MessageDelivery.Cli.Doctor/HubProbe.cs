using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Doctor;

/// <summary>How a hub takes somebody who does not say who it is.</summary>
internal enum ProbeOutcome
{
    /// <summary>Nobody answers, or nobody listens.</summary>
    NoAnswer,

    /// <summary>It gave an id.</summary>
    LetIn,

    /// <summary>It wants to know who one is.</summary>
    AuthenticationWanted,

    /// <summary>It would not have the connection for another reason.</summary>
    Refused,

    /// <summary>Whoever answers is no hub.</summary>
    NotAHub,
}

/// <summary>What came of one try.</summary>
/// <param name="Words">The hub's own words, or what went wrong.</param>
internal sealed record ProbeResult(ProbeOutcome Outcome, string Words);

/// <summary>What came of a TLS handshake.</summary>
/// <param name="Certificate">What the hub presented; null where the handshake failed.</param>
internal sealed record TlsResult(SslProtocols Version, X509Certificate2? Certificate, X509Certificate2Collection Others);

/// <summary>Knocks at a hub as a stranger would, in each protocol, and says nothing else to it.</summary>
internal static class HubProbe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Says "identity", as a person would.</summary>
    public static Task<ProbeResult> TextAsync(EndPoint hub, bool isEncrypted) =>
        TryAsync(hub, isEncrypted, static async (wire, cancellation) =>
        {
            await wire.SendAsync("identity\n"u8.ToArray(), cancellation);
            string line = Encoding.UTF8.GetString((await wire.ReceiveLineAsync(cancellation)).Span).TrimEnd('\r');
            return new(
                line.StartsWith(ServerText.Identity, StringComparison.Ordinal) ? ProbeOutcome.LetIn
                : line.StartsWith($"{ServerText.Error}{ProtocolCode.AuthRequired.Name()}", StringComparison.Ordinal) ? ProbeOutcome.AuthenticationWanted
                : line.StartsWith(ServerText.Prefix, StringComparison.Ordinal) ? ProbeOutcome.Refused
                : ProbeOutcome.NotAHub,
                line);
        });

    /// <summary>Says HELLO, as a program would.</summary>
    public static Task<ProbeResult> BinaryAsync(EndPoint hub, bool isEncrypted) =>
        TryAsync(hub, isEncrypted, static async (wire, cancellation) =>
        {
            await wire.SendAsync(FrameBytes.Hello(), cancellation);
            var frame = await wire.ReceiveFrameAsync(cancellation);
            return frame.Type switch
            {
                FrameType.Welcome => new(ProbeOutcome.LetIn, "WELCOME"),
                FrameType.GoodbyeReply or FrameType.Error => new(
                    frame.Code == ProtocolCode.AuthRequired ? ProbeOutcome.AuthenticationWanted : ProbeOutcome.Refused, $"{frame.Code.Name()}: {frame.Text}"),
                _ => new(ProbeOutcome.NotAHub, "it answers HELLO with something else"),
            };
        });

    /// <summary>Asks for a path over HTTP; 0 where no answer of HTTP comes.</summary>
    public static async Task<int> HttpAsync(EndPoint hub, bool isEncrypted, string path)
    {
        int status = 0;
        await TryAsync(hub, isEncrypted, async (wire, cancellation) =>
        {
            await wire.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {Host(hub)}\r\nConnection: close\r\n\r\n"), cancellation);
            string line = Encoding.Latin1.GetString((await wire.ReceiveLineAsync(cancellation)).Span);
            bool isHttp = line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) && int.TryParse(line.AsSpan(9, Math.Min(3, line.Length - 9)), out status);
            return new(isHttp ? ProbeOutcome.LetIn : ProbeOutcome.NotAHub, line);
        });
        return status;
    }

    /// <summary>Shakes hands without judging whom with.</summary>
    public static async Task<TlsResult> TlsAsync(EndPoint hub)
    {
        var others = new X509Certificate2Collection();
        X509Certificate2? own = null;
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            using var wire = await WireConnection.ConnectAsync(hub, cancellationToken: patience.Token);
            await wire.SecureAsync(Options(hub, (certificate, chain) =>
            {
                own = certificate is null ? null : new(certificate);
                others.AddRange(chain?.ChainPolicy.ExtraStore ?? []);
            }), patience.Token);
            return new(wire.Tls!.SslProtocol, own, others);
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            // A hub that wants a certificate of the client has shown its own before.
            return new(SslProtocols.None, own, others);
        }
    }

    private static async Task<ProbeResult> TryAsync(
        EndPoint hub, bool isEncrypted, Func<WireConnection, CancellationToken, Task<ProbeResult>> talk)
    {
        WireConnection? wire = null;
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            wire = await WireConnection.ConnectAsync(hub, cancellationToken: patience.Token);
            if (isEncrypted)
            {
                await wire.SecureAsync(Options(hub), patience.Token);
            }

            return await talk(wire, patience.Token);
        }
        catch (EndOfStreamException)
        {
            return new(wire!.Received.Count > 0 ? ProbeOutcome.NotAHub : ProbeOutcome.NoAnswer, "it closes the connection");
        }
        catch (InvalidDataException)
        {
            return new(ProbeOutcome.NotAHub, "it answers with something else");
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return new(ProbeOutcome.NoAnswer, exception is OperationCanceledException ? $"it says nothing for {Patience.TotalSeconds:0} s" : exception.Message);
        }
        finally
        {
            wire?.Dispose();
        }
    }

    private static bool IsExpected(Exception exception) =>
        exception is SocketException or IOException or AuthenticationException or OperationCanceledException;

    private static string Host(EndPoint hub) => hub is DnsEndPoint named ? $"{named.Host}:{named.Port}" : $"{hub}";

    private static SslClientAuthenticationOptions Options(EndPoint hub, Action<X509Certificate?, X509Chain?>? see = null) =>
        WireConnection.TrustAnybody(hub is DnsEndPoint named ? named.Host : ((IPEndPoint)hub).Address.ToString(), see);
}
