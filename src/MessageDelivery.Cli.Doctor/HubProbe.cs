using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MessageDelivery.Protocol;

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
    private const int HeaderBytes = 8;
    private const int MaxAnswerBytes = 4_096;
    private const string IdText = "[Server] Your ID is ";
    private const string ErrorText = "[Server] Error: ";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>Says "identity", as a person would.</summary>
    public static Task<ProbeResult> TextAsync(EndPoint hub, bool isEncrypted) =>
        TryAsync(hub, isEncrypted, static async (stream, cancellation) =>
        {
            await stream.WriteAsync("identity\n"u8.ToArray(), cancellation).ConfigureAwait(false);
            string line = Encoding.UTF8.GetString(await ReadAsync(stream, static answer => answer.Contains((byte)'\n'), cancellation).ConfigureAwait(false)).Split('\n')[0].TrimEnd('\r');
            return line.StartsWith(IdText, StringComparison.Ordinal) ? new(ProbeOutcome.LetIn, line)
                : line.StartsWith($"{ErrorText}{ProtocolCode.AuthRequired.Name()}", StringComparison.Ordinal) ? new(ProbeOutcome.AuthenticationWanted, line)
                : line.StartsWith("[Server] ", StringComparison.Ordinal) ? new(ProbeOutcome.Refused, line)
                : new(line.Length == 0 ? ProbeOutcome.NoAnswer : ProbeOutcome.NotAHub, line.Length == 0 ? "it closes the connection" : line);
        });

    /// <summary>Says HELLO, as a program would.</summary>
    public static Task<ProbeResult> BinaryAsync(EndPoint hub, bool isEncrypted) =>
        TryAsync(hub, isEncrypted, static async (stream, cancellation) =>
        {
            byte[] hello = [(byte)FrameType.Hello, 0, 1, 0, 4, 0, 0, 0, .. "MDS1"u8];
            await stream.WriteAsync(hello, cancellation).ConfigureAwait(false);
            byte[] answer = await ReadAsync(stream, IsWholeFrame, cancellation).ConfigureAwait(false);
            if (answer.Length < HeaderBytes)
            {
                return new(answer.Length == 0 ? ProbeOutcome.NoAnswer : ProbeOutcome.NotAHub, "it closes the connection");
            }

            var code = (ProtocolCode)BinaryPrimitives.ReadUInt16LittleEndian(answer.AsSpan(2));
            return (FrameType)answer[0] switch
            {
                FrameType.Welcome => new(ProbeOutcome.LetIn, "WELCOME"),
                FrameType.GoodbyeReply or FrameType.Error => new(
                    code == ProtocolCode.AuthRequired ? ProbeOutcome.AuthenticationWanted : ProbeOutcome.Refused,
                    $"{code.Name()}: {Encoding.UTF8.GetString(answer.AsSpan(HeaderBytes))}"),
                _ => new(ProbeOutcome.NotAHub, "it answers HELLO with something else"),
            };
        });

    /// <summary>Shakes hands without judging whom with.</summary>
    public static async Task<TlsResult> TlsAsync(EndPoint hub)
    {
        var others = new X509Certificate2Collection();
        X509Certificate2? own = null;
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            using var socket = await ConnectAsync(hub, patience.Token).ConfigureAwait(false);
            var stream = Encrypted(socket, (certificate, chain) =>
            {
                own = new(certificate);
                others.AddRange(chain?.ChainPolicy.ExtraStore ?? []);
            });
            await using (stream.ConfigureAwait(false))
            {
                await stream.AuthenticateAsClientAsync(Options(hub), patience.Token).ConfigureAwait(false);
                return new(stream.SslProtocol, own, others);
            }
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            // A hub that wants a certificate of the client has shown its own before.
            return new(SslProtocols.None, own, others);
        }
    }

    private static async Task<ProbeResult> TryAsync(
        EndPoint hub, bool isEncrypted, Func<Stream, CancellationToken, Task<ProbeResult>> talk)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            using var socket = await ConnectAsync(hub, patience.Token).ConfigureAwait(false);
            if (!isEncrypted)
            {
                var plain = new NetworkStream(socket);
                await using (plain.ConfigureAwait(false))
                {
                    return await talk(plain, patience.Token).ConfigureAwait(false);
                }
            }

            var encrypted = Encrypted(socket, static (_, _) => { });
            await using (encrypted.ConfigureAwait(false))
            {
                await encrypted.AuthenticateAsClientAsync(Options(hub), patience.Token).ConfigureAwait(false);
                return await talk(encrypted, patience.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            return new(ProbeOutcome.NoAnswer, exception is OperationCanceledException ? $"it says nothing for {Patience.TotalSeconds:0} s" : exception.Message);
        }
    }

    private static bool IsExpected(Exception exception) =>
        exception is SocketException or IOException or AuthenticationException or OperationCanceledException;

    private static async Task<Socket> ConnectAsync(EndPoint hub, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(hub, cancellation).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

#pragma warning disable CA5359 // Nothing secret is sent: the certificate is what is to be judged, a bad one above all.
    private static SslStream Encrypted(Socket socket, Action<X509Certificate, X509Chain?> see) =>
        new(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, certificate, chain, _) =>
        {
            if (certificate is not null)
            {
                see(certificate, chain);
            }

            return true;
        });
#pragma warning restore CA5359

    private static SslClientAuthenticationOptions Options(EndPoint hub) => new()
    {
        TargetHost = hub is DnsEndPoint named ? named.Host : ((IPEndPoint)hub).Address.ToString(),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
    };

    private static bool IsWholeFrame(byte[] answer) =>
        answer.Length >= HeaderBytes && answer.Length >= HeaderBytes + BinaryPrimitives.ReadUInt32LittleEndian(answer.AsSpan(4));

    private static async Task<byte[]> ReadAsync(Stream stream, Func<byte[], bool> isEnough, CancellationToken cancellation)
    {
        byte[] buffer = new byte[MaxAnswerBytes];
        int length = 0;
        while (length < buffer.Length && !isEnough(buffer[..length]))
        {
            int read = await stream.ReadAsync(buffer.AsMemory(length), cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                break;
            }

            length += read;
        }

        return buffer[..length];
    }
}
