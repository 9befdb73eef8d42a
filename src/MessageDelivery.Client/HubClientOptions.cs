using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Client;

/// <summary>Where a <see cref="HubClient"/> connects to and how it behaves. Immutable; change a copy with <c>with</c>.</summary>
public sealed record HubClientOptions
{
    /// <summary>The port a hub listens on unless told otherwise.</summary>
    public const int DefaultPort = 8888;

    /// <summary>Name or address of the hub. Default: 127.0.0.1.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The hub's port, 1 to 65535. Default: 8888.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>A secret by which the hub knows this user, at most 8,192 bytes of UTF-8. Default: null, none. Never printed.</summary>
    public string? Token { get; init; }

    /// <summary>
    /// Asked for the token before each connection, instead of <see cref="Token"/>: for tokens that expire. Default: null. It shares
    /// <see cref="ConnectTimeout"/>, whose end its parameter tells; what it throws is a failed attempt. If the hub refuses the
    /// token, the provider is asked for another one, once.
    /// </summary>
    public Func<CancellationToken, ValueTask<string>>? TokenProvider { get; init; }

    /// <summary>
    /// The time limit for connecting, up to the hub's WELCOME. Default: 10 s.
    /// <see cref="Timeout.InfiniteTimeSpan"/> waits for ever.
    /// </summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long <see cref="HubClient.DisposeAsync"/> lets the client send what it has taken and say goodbye before it cuts the
    /// connection. Default: 5 s. Zero cuts at once.
    /// </summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How to reconnect when the connection is lost. Default: a <see cref="ReconnectPolicy"/> with its own defaults, which tries without end.
    /// Null: a lost connection closes the client, and no session is resumed.
    /// </summary>
    public ReconnectPolicy? Reconnect { get; init; } = new();

    /// <summary>
    /// Whether to ask the hub for a session that is resumed on the next connection: same id, nothing lost, nothing twice. Default: true.
    /// False, or a hub that does not offer it: each connection has a session and an id of its own, and calls pending at its loss fail.
    /// </summary>
    public bool Resume { get; init; } = true;

    /// <summary>
    /// Bytes of received messages that may wait for the reader of <see cref="HubClient.ReceiveAsync"/>; each message counts
    /// 64 bytes more than its body. Default: 8 MiB. Below it one more message is taken, whatever its size; at or above it the
    /// client stops reading from its socket, and answers to calls wait with the messages. 1 lets one message wait. In a session that
    /// can be resumed the hub counts them, too, toward this user's queue, and its limit for that may be lower.
    /// </summary>
    public long ReceiveBufferBytes { get; init; } = 8L << 20;

    /// <summary>
    /// Bytes taken from callers that may wait to be sent; in a session that can be resumed, until the hub has acknowledged them,
    /// which it does at least every 256 KiB. Default: 4 MiB. Below it one more call is taken, whatever its size; at or above it
    /// callers wait, in the order of their calls. 1 lets one call wait.
    /// </summary>
    public long SendBufferBytes { get; init; } = 4L << 20;

    /// <summary>
    /// Discard received messages instead of keeping them for <see cref="HubClient.ReceiveAsync"/>: for a program that only
    /// sends. They are acknowledged at once, so that a sender that confirms is told that its message was delivered. Default: false.
    /// With false, a program that does not receive makes its senders wait and is repeatedly disconnected as a slow consumer.
    /// </summary>
    public bool DiscardDeliveries { get; init; }

    /// <summary>
    /// Options of relays whose call has none. Default: <see cref="RelayOptions.None"/>: this sender waits for a full receiver, and everything it
    /// sends behind waits, too. <see cref="RelayOptions.BestEffort"/> leaves a full receiver out.
    /// <see cref="RelayOptions.Confirm"/> is for those with a receipt; others are sent without it.
    /// </summary>
    public RelayOptions DefaultRelayOptions { get; init; }

    /// <summary>Where the client logs, under the category <c>MessageDelivery.Client.HubClient</c>. Default: null, nowhere. The caller's to dispose.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>
    /// Who makes the meter <see cref="HubClient.TelemetryName"/>. Default: null, one meter that all clients of the process share.
    /// </summary>
    public IMeterFactory? MeterFactory { get; init; }

    /// <summary>
    /// Makes the connection in place of a TCP socket: through a proxy, a tunnel, a Unix socket, or to a hub in the same process. Default: null.
    /// </summary>
    /// <remarks>
    /// <para>Called for each attempt, the first and all further ones, with <see cref="Host"/> and <see cref="Port"/>, and after the
    /// <see cref="TokenProvider"/>: for <see cref="HubClient.ConnectAsync(HubClientOptions, CancellationToken)"/> on the caller's thread,
    /// otherwise on the thread pool, and never under a lock. It shares <see cref="ConnectTimeout"/>, whose end its token tells; a stream that
    /// comes later is disposed of.</para>
    /// <para>It gives a new duplex stream each time, which belongs to the client from then on. With <see cref="Tls"/> the client agrees on
    /// TLS on top of it, which also reads zero bytes to wait for more. One read and one write may be under way at the same time; the client
    /// flushes what it writes. At the end it cancels both, and disposes of the stream when they have ended or after half a second: one of
    /// the two must end them. A stream that completes a read on its writer's thread has the client work there.</para>
    /// <para>What it throws, null, and a failure of the stream count like a socket's error: the attempt has failed or the connection is
    /// lost, and <see cref="Reconnect"/> decides. A <see cref="HubConnectionException"/> is taken as it is, with its own advice.</para>
    /// </remarks>
    public Func<HubConnectContext, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; init; }

    /// <summary>TLS with the hub. Default: null, none.</summary>
    public HubTlsClientOptions? Tls { get; init; }

    /// <summary>The clock for timeouts, heartbeats and pauses. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Reads <c>HOST:PORT</c>, <c>[::1]:8888</c>, <c>:8888</c> or <c>HOST</c>; what is left out is the default.</summary>
    /// <exception cref="FormatException">It is none of these; the message names the value.</exception>
    public static HubClientOptions Parse(string hostAndPort)
    {
        ArgumentNullException.ThrowIfNull(hostAndPort);
        string host = hostAndPort.Trim(), port = "";
        if (host.StartsWith('['))
        {
            int end = host.IndexOf(']', StringComparison.Ordinal);
            if (end < 2 || !System.Net.IPAddress.TryParse(host[1..end], out _) || (end + 1 < host.Length && host[end + 1] != ':'))
            {
                throw Invalid("an IPv6 address is written [::1] or [::1]:8888");
            }

            port = end + 1 < host.Length ? host[(end + 2)..] : "";
            if (end + 1 < host.Length && port.Length == 0)
            {
                throw Invalid("the port is missing");
            }

            host = host[1..end];
        }
        else if (host.IndexOf(':', StringComparison.Ordinal) is var colon and >= 0)
        {
            if (colon != host.LastIndexOf(':'))
            {
                throw Invalid("an IPv6 address is written [::1] or [::1]:8888");
            }

            (host, port) = (host[..colon], host[(colon + 1)..]);
            if (port.Length == 0)
            {
                throw Invalid("the port is missing");
            }
        }
        else if (host.Length == 0)
        {
            throw Invalid("it is empty");
        }

        if (host.AsSpan().ContainsAny(" \t/@"))
        {
            throw Invalid("a host name has no such characters");
        }

        int number = DefaultPort;
        if (port.Length > 0 && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number is 0 or > 65535))
        {
            throw Invalid("a port is a number from 1 to 65535");
        }

        var options = new HubClientOptions { Port = number };
        return host.Length == 0 ? options : options with { Host = host };

        FormatException Invalid(string why) => new($"'{hostAndPort}' is not HOST:PORT: {why}");
    }

    /// <summary>The hub's host and port, for messages.</summary>
    internal string HubName => $"{Host}:{Port}";

    internal const RelayOptions KnownRelayOptions = RelayOptions.BestEffort | RelayOptions.Confirm;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Host);
        ArgumentNullException.ThrowIfNull(TimeProvider);
        Require(Port is > 0 and <= 65535, nameof(Port), Port, "1 to 65535");
        Require(IsTimeout(ConnectTimeout) && ConnectTimeout != TimeSpan.Zero, nameof(ConnectTimeout), ConnectTimeout, "above zero and at most 24 days, or infinite");
        Require(IsTimeout(CloseTimeout), nameof(CloseTimeout), CloseTimeout, "zero to 24 days, or infinite");
        Require(ReceiveBufferBytes > 0, nameof(ReceiveBufferBytes), ReceiveBufferBytes, "at least 1");
        Require(SendBufferBytes > 0, nameof(SendBufferBytes), SendBufferBytes, "at least 1");
        int tokenBytes = Token is null ? 0 : Encoding.UTF8.GetByteCount(Token);
        Require(tokenBytes <= ProtocolLimits.MaxTokenBytes, nameof(Token), $"{tokenBytes} bytes", $"at most {ProtocolLimits.MaxTokenBytes}");
        Require(TokenProvider is null || Token is null, nameof(TokenProvider), "set", "null where Token is set");
        Require(
            (DefaultRelayOptions & ~KnownRelayOptions) == 0, nameof(DefaultRelayOptions), DefaultRelayOptions, "a combination of BestEffort and Confirm, or None");
        Reconnect?.Validate();
        Tls?.Validate();
    }

    private static bool IsTimeout(TimeSpan value) =>
        value == Timeout.InfiniteTimeSpan || (value >= TimeSpan.Zero && value.TotalMilliseconds <= int.MaxValue);

    private static void Require(bool holds, string name, object value, string range)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name} is {value}; it must be {range}", name);
        }
    }

    // Printed records end up in logs; the token must not.
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append(CultureInfo.InvariantCulture, $"Host = {Host}, Port = {Port}, Token = {(Token is not null ? "***" : TokenProvider is not null ? "provided" : "none")}, ")
            .Append(CultureInfo.InvariantCulture, $"ConnectTimeout = {ConnectTimeout}, CloseTimeout = {CloseTimeout}, Reconnect = {Reconnect}, Resume = {Resume}, ")
            .Append(CultureInfo.InvariantCulture, $"ReceiveBufferBytes = {ReceiveBufferBytes}, SendBufferBytes = {SendBufferBytes}, DiscardDeliveries = {DiscardDeliveries}, DefaultRelayOptions = {DefaultRelayOptions}, Tls = {(Tls is null ? "off" : "on")}, ConnectCallback = {(ConnectCallback is null ? "none" : "set")}");
        return true;
    }
}
