using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// A user of a message delivery hub: knows its id, sees who else is there, sends messages and receives them. All members may be
/// called from any number of threads at once, but for <see cref="ReceiveAsync"/>, which has one reader at a time. Calls need not
/// wait for each other: they are sent and answered in the order in which they were made; only receipts of
/// <see cref="RelayOptions.Confirm"/> come when they are known.
/// </summary>
/// <remarks>
/// A lost connection is replaced, and the session goes on: calls that are pending or made meanwhile wait and end as if nothing had
/// happened, and messages arrive without a gap or a repetition. Where the hub cannot resume the session, they fail with a
/// <see cref="HubSessionLostException"/>, and the client goes on as a new user; see <see cref="IdentityChanged"/>. Without
/// sessions that can be resumed (<see cref="HubClientOptions.Resume"/>) every pending call ends with the connection, with the same
/// <see cref="HubConnectionException"/>. After <see cref="DisposeAsync"/> calls end with <see cref="ObjectDisposedException"/>.
///
/// What the hub is told to be received is what the program has taken: a message once the program has asked for the next one or has
/// disposed of it, whichever is first. So who sends with <see cref="RelayOptions.Confirm"/> learns that a program has had the message,
/// and not only its library. What waits for the program counts toward its queue in the hub.
///
/// Messages that nobody receives wait, in the hub and here, up to <see cref="HubClientOptions.ReceiveBufferBytes"/>; beyond that the
/// client stops reading, and answers to its calls wait behind the messages. Their senders wait, too, and in the end the hub takes this
/// client for a slow consumer. A program that only sends says so with <see cref="HubClientOptions.DiscardDeliveries"/>.
/// </remarks>
public sealed partial class HubClient : IAsyncDisposable
{
    /// <summary>The name of the meter and of the activity source of all clients; docs/hosting.md lists what they show.</summary>
    public const string TelemetryName = ClientTelemetry.Name;

    /// <summary>Connects and waits until the hub has given an id. A first connection that fails is not tried again.</summary>
    /// <exception cref="HubConnectionException">There is no hub, it refuses (its code says why), or it takes too long.</exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public static async ValueTask<HubClient> ConnectAsync(HubClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var client = new HubClient(options);
        Connection connection = await Connection.OpenAsync(client._options, client._session, client._deliveries, cancellationToken).ConfigureAwait(false);
        client._connection = connection;
        client._telemetry.NoteFirst(connection.Link.Opening!);
        client._run = client.RunAsync(connection);
        return client;
    }

    /// <summary>Connects to <c>HOST:PORT</c> with the default options; see <see cref="HubClientOptions.Parse"/>.</summary>
    /// <inheritdoc cref="ConnectAsync(HubClientOptions, CancellationToken)" path="/exception"/>
    /// <exception cref="FormatException">It is not a host and port.</exception>
    public static ValueTask<HubClient> ConnectAsync(string hostAndPort, CancellationToken cancellationToken = default) =>
        ConnectAsync(HubClientOptions.Parse(hostAndPort), cancellationToken);

    /// <summary>Asks the hub for this client's id; the same as <see cref="UserId"/>, after a way to the hub and back.</summary>
    /// <exception cref="HubRequestException">The hub answered with an error.</exception>
    public ValueTask<ulong> GetIdentityAsync(CancellationToken cancellationToken = default)
    {
        var request = new IdentityRequest();
        return _telemetry.RequestAsync(Live(), request, new(FrameType.Identity) { Request = request }, cancellationToken);
    }

    /// <summary>Asks who else is there: ids, ascending.</summary>
    /// <exception cref="HubRequestException">The hub answered with an error.</exception>
    public ValueTask<IReadOnlyList<ulong>> ListAsync(CancellationToken cancellationToken = default)
    {
        var request = new ListRequest(_session.Presence);
        return _telemetry.RequestAsync(Live(), request, new(FrameType.List) { Request = request }, cancellationToken);
    }

    /// <summary>Sends bytes that the hub sends back. <paramref name="message"/> is copied before this returns its task, unless it has to wait.</summary>
    /// <param name="message">At most 1,048,576 bytes; the caller's again when the call completes.</param>
    /// <param name="cancellationToken">Stops waiting; what was sent stays sent.</param>
    /// <returns>The bytes that came back; dispose them.</returns>
    /// <exception cref="ArgumentException">The message is too large.</exception>
    /// <exception cref="HubRequestException">The hub answered with an error.</exception>
    public ValueTask<MessageBody> EchoAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        CheckBytes(message.Length, ProtocolLimits.MaxBodyBytes, nameof(message));
        var request = new EchoRequest();
        return _telemetry.RequestAsync(Live(), request, new(FrameType.Echo) { Request = request, Body = message }, cancellationToken);
    }

    /// <summary>
    /// Sends a message to one user. Completes when the client has taken it, not when it has arrived: the caller's memory is free
    /// again. That is at once, without allocating, unless <see cref="HubClientOptions.SendBufferBytes"/> are waiting already.
    /// Should the hub answer it with an error, <see cref="RelayRejected"/> tells.
    /// </summary>
    /// <param name="receiver">A user's id. An id that nobody has is not an error; a receipt would say <c>unknown</c>.</param>
    /// <param name="body">At most <see cref="MaxBodyBytes"/> bytes, possibly none.</param>
    /// <param name="options">How the hub carries it out; null is <see cref="HubClientOptions.DefaultRelayOptions"/>.</param>
    /// <param name="cancellationToken">Gives up a message that the client has not taken yet; it is then not sent.</param>
    /// <exception cref="ArgumentException">The body is too large.</exception>
    public ValueTask RelayAsync(ulong receiver, ReadOnlyMemory<byte> body, RelayOptions? options = null, CancellationToken cancellationToken = default)
    {
        Session session = Live();
        CheckBytes(body.Length, MaxBodyBytes, nameof(body));
        return _telemetry.SendAsync(
            session, new(FrameType.Relay) { Flags = Flags(options, hasReceipt: false), Receiver = receiver, Body = body }, cancellationToken);
    }

    /// <summary>Sends a message to several users; see <see cref="RelayAsync(ulong, ReadOnlyMemory{byte}, Nullable{RelayOptions}, CancellationToken)"/>.</summary>
    /// <param name="receivers">Ids, 1 to <see cref="MaxReceivers"/>. One that is listed twice gets one copy.</param>
    /// <param name="body">At most <see cref="MaxBodyBytes"/> bytes, possibly none.</param>
    /// <param name="options">How the hub carries it out; null is <see cref="HubClientOptions.DefaultRelayOptions"/>.</param>
    /// <param name="cancellationToken">Gives up a message that the client has not taken yet; it is then not sent.</param>
    /// <exception cref="ArgumentException">No receivers, too many, or too large a body.</exception>
    public ValueTask RelayAsync(
        ReadOnlyMemory<ulong> receivers, ReadOnlyMemory<byte> body, RelayOptions? options = null, CancellationToken cancellationToken = default)
    {
        Session session = Live();
        CheckRelay(receivers.Length, body.Length);
        return _telemetry.SendAsync(
            session, new(FrameType.Relay) { Flags = Flags(options, hasReceipt: false), Receivers = receivers, Body = body }, cancellationToken);
    }

    /// <summary>Sends a message to one user and waits until the hub tells what became of it.</summary>
    /// <inheritdoc cref="RelayWithReceiptAsync(ReadOnlyMemory{ulong}, ReadOnlyMemory{byte}, Nullable{RelayOptions}, CancellationToken)"/>
    /// <param name="receiver">A user's id.</param>
    /// <param name="body">At most <see cref="MaxBodyBytes"/> bytes, possibly none.</param>
    /// <param name="options">How the hub carries it out; null is <see cref="HubClientOptions.DefaultRelayOptions"/>.</param>
    /// <param name="cancellationToken">Stops waiting; what was sent stays sent.</param>
    public ValueTask<Receipt> RelayWithReceiptAsync(
        ulong receiver, ReadOnlyMemory<byte> body, RelayOptions? options = null, CancellationToken cancellationToken = default) =>
        RelayWithReceiptAsync(new[] { receiver }, body, options, cancellationToken);

    /// <summary>
    /// Sends a message to several users and waits until the hub tells what became of it for each. Where the hub makes this sender
    /// wait for a full receiver, that is after the wait.
    /// </summary>
    /// <param name="receivers">Ids, 1 to <see cref="MaxReceivers"/>; the receipt has an entry for each as listed.</param>
    /// <param name="body">At most <see cref="MaxBodyBytes"/> bytes, possibly none.</param>
    /// <param name="options">How the hub carries it out; null is <see cref="HubClientOptions.DefaultRelayOptions"/>.</param>
    /// <param name="cancellationToken">Stops waiting; what was sent stays sent.</param>
    /// <exception cref="ArgumentException">No receivers, too many, or too large a body.</exception>
    /// <exception cref="HubRequestException">The hub answered with an error; nobody got it.</exception>
    public ValueTask<Receipt> RelayWithReceiptAsync(
        ReadOnlyMemory<ulong> receivers, ReadOnlyMemory<byte> body, RelayOptions? options = null, CancellationToken cancellationToken = default)
    {
        Session session = Live();
        CheckRelay(receivers.Length, body.Length);
        var entries = new ReceiptEntry[receivers.Length];
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = new(receivers.Span[i], default);
        }

        var request = new ReceiptRequest(entries);
        return _telemetry.RequestAsync(
            session,
            request,
            new(FrameType.Relay) { Flags = Flags(options, hasReceipt: true) | RelayFlags.Receipt, Receivers = receivers, Body = body, Request = request },
            cancellationToken);
    }

    /// <summary>
    /// The messages that arrive, in the order in which each sender sent them, across reconnections. Dispose each. Leaving the
    /// loop loses nothing: another may go on where it stopped. After the client is closed by itself the loop ends when it has had
    /// what arrived; when the connection ends for good otherwise, it then throws. Asking for the next message tells the hub that the
    /// one before was taken, unless it was disposed already. A handler that itself waits for a confirmation
    /// (<see cref="RelayOptions.Confirm"/>) should dispose of its message first: two such handlers would wait for each other until the
    /// hub's limit for it has passed.
    /// </summary>
    /// <exception cref="HubConnectionException">The connection has ended for good.</exception>
    /// <exception cref="InvalidOperationException">Another loop is receiving.</exception>
    public IAsyncEnumerable<Delivery> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        Begin();
        return _deliveries.ReadAsync(cancellationToken);
    }

    /// <summary>
    /// Who is there, and who comes and goes from then on: the first update names all others, each further one the difference to
    /// the one before. A reconnection does not end it, nor does a change of this client's own id; what changed meanwhile is one
    /// more update. Whoever is slow gets fewer and larger updates, and someone who came and went in between is in none. Any number
    /// of loops may watch at once; the hub is asked once for all of them.
    /// </summary>
    /// <exception cref="HubRequestException">The hub does not offer it, or refuses.</exception>
    /// <exception cref="HubConnectionException">The connection has ended for good.</exception>
    public IAsyncEnumerable<PresenceUpdate> WatchAsync(CancellationToken cancellationToken = default) =>
        Live().Presence.WatchAsync(cancellationToken);

    private RelayFlags Flags(RelayOptions? options, bool hasReceipt)
    {
        if (options is not { } given)
        {
            return (RelayFlags)(hasReceipt ? _options.DefaultRelayOptions : _options.DefaultRelayOptions & ~RelayOptions.Confirm);
        }

        return (given & ~HubClientOptions.KnownRelayOptions) != 0
                ? throw new ArgumentException($"{given} is not a relay option this version knows", nameof(options))
            : !hasReceipt && (given & RelayOptions.Confirm) != 0
                ? throw new ArgumentException($"{nameof(RelayOptions.Confirm)} is for relays with a receipt", nameof(options))
            : (RelayFlags)given;
    }

    private void CheckRelay(int receivers, int bytes)
    {
        if (receivers is 0 || receivers > MaxReceivers)
        {
            throw new ArgumentException($"{receivers} receivers; a relay has 1 to {MaxReceivers}", nameof(receivers));
        }

        CheckBytes(bytes, MaxBodyBytes, "body");
    }

    private static void CheckBytes(int bytes, int limit, string parameter)
    {
        if (bytes > limit)
        {
            throw new ArgumentException($"{bytes} bytes; the limit is {limit}", parameter);
        }
    }
}
