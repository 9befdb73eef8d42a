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
/// The client acknowledges what the program has taken: a message once the program has asked for the next one or has disposed of it,
/// whichever is first. So a sender with <see cref="RelayOptions.Confirm"/> learns that the program has had the message, and not only its
/// library. Messages that wait for the program count toward its queue in the hub.
///
/// Messages that the program does not receive are queued here, up to <see cref="HubClientOptions.ReceiveBufferBytes"/>; beyond that the
/// client stops reading, and answers to its calls wait behind the messages. Then the hub's queue fills, senders wait, and finally the hub
/// disconnects this client as a slow consumer. A program that only sends sets <see cref="HubClientOptions.DiscardDeliveries"/>.
/// </remarks>
public sealed class HubClient : IAsyncDisposable
{
    /// <summary>The name of the meter and of the activity source of all clients; docs/hosting.md lists what they show.</summary>
    public const string TelemetryName = ClientTelemetry.Name;

    private readonly HubClientOptions _options;
    private readonly DeliveryQueue _deliveries;
    private readonly Session _session;
    private readonly ClientTelemetry _telemetry;
    private readonly ProgramCallbacks _callbacks;
    private readonly ConnectionSupervisor _supervisor;
    private readonly ClientShutdown _shutdown;

    private HubClient(HubClientOptions options)
    {
        _deliveries = new(options.ReceiveBufferBytes);
        _telemetry = new(options);
        _callbacks = new(this, _telemetry);
        _options = _callbacks.Count(options);
        _session = new(_options, _deliveries, _callbacks.RaiseRelayRejected, _telemetry);
        _supervisor = new(_options, _session, _deliveries, _telemetry, _callbacks);
        _shutdown = new(_options, _session, _deliveries, _supervisor, _callbacks);
    }

    /// <summary>
    /// Raised when <see cref="ConnectionState"/> has changed: for a lost connection before the first attempt to replace it, for a new
    /// one behind the event that says what it is. Handlers run one after another and hold up what follows; one that throws closes
    /// the client.
    /// </summary>
    public event EventHandler<ConnectionStateChangedEventArgs>? ConnectionStateChanged
    {
        add => _callbacks.ConnectionStateChanged += value;
        remove => _callbacks.ConnectionStateChanged -= value;
    }

    /// <summary>
    /// Raised when a lost connection was replaced and the session goes on: same id, nothing lost. Handlers run one after another
    /// before the next loss is dealt with; one that throws closes the client.
    /// </summary>
    public event EventHandler<SessionResumedEventArgs>? SessionResumed
    {
        add => _callbacks.SessionResumed += value;
        remove => _callbacks.SessionResumed -= value;
    }

    /// <summary>
    /// Raised when a lost connection was replaced but the session could not be resumed: the id has changed, and calls that were
    /// pending have failed. Nothing is sent as the new user before the handlers have returned: calls made before that fail, too;
    /// <see cref="WaitUntilConnectedAsync"/> or <see cref="ConnectionStateChanged"/> tell when they no longer do. Handlers run as
    /// those of <see cref="SessionResumed"/> do.
    /// </summary>
    public event EventHandler<IdentityChangedEventArgs>? IdentityChanged
    {
        add => _callbacks.IdentityChanged += value;
        remove => _callbacks.IdentityChanged -= value;
    }

    /// <summary>
    /// Raised when the hub answers a relay without a receipt with an error. Handlers hold up what arrives behind it and must not
    /// block; one that throws ends the connection.
    /// </summary>
    public event EventHandler<HubRelayRejectedEventArgs>? RelayRejected
    {
        add => _callbacks.RelayRejected += value;
        remove => _callbacks.RelayRejected -= value;
    }

    /// <summary>This user's id, as the hub's welcome said; another one after <see cref="IdentityChanged"/>. 0 before the first connection.</summary>
    public ulong UserId => _session.Welcome.UserId;

    /// <summary>The most bytes a relay's body may have; before the first connection what the protocol allows.</summary>
    public int MaxBodyBytes => (int)_session.Welcome.MaxBodyBytes;

    /// <summary>The most receivers a relay may list; before the first connection what the protocol allows.</summary>
    public int MaxReceivers => _session.Welcome.MaxReceivers;

    /// <summary>What the client is doing.</summary>
    public ConnectionState ConnectionState => _supervisor.State;

    /// <summary>Completes when the client is closed for good, whoever closed it; never fails. <see cref="CloseReason"/> says why.</summary>
    public Task Closed => _supervisor.Closed;

    /// <summary>Why the client is closed for good; null while it is not. The code is <c>normal</c> if it was closed here.</summary>
    public HubConnectionException? CloseReason => _supervisor.CloseReason;

    /// <summary>Bytes that wait for the reader, for tests.</summary>
    internal long PendingDeliveryBytes => _deliveries.PendingBytes;

    internal bool IsReceivePaused => _supervisor.Connection is { IsReceivePaused: true };

    /// <summary>Bytes that wait to be sent or acknowledged, for tests.</summary>
    internal long PendingSendBytes => _session.PendingBytes;

    internal bool IsSendIdle => _session.IsSendIdle;

    /// <inheritdoc cref="HubClientOptions.HubName"/>
    internal string HubName => _options.HubName;

    /// <summary>Why it is not connected; null while it is, and before the first attempt has failed.</summary>
    internal HubConnectionException? Trouble => _supervisor.Trouble;

    /// <summary>Connects and waits until the hub has given an id. A first connection that fails is not tried again.</summary>
    /// <exception cref="HubConnectionException">There is no hub, it refuses (its code says why), or it takes too long.</exception>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public static async ValueTask<HubClient> ConnectAsync(HubClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var client = new HubClient(options);
        await client._supervisor.ConnectAsync(cancellationToken).ConfigureAwait(false);
        return client;
    }

    /// <summary>Connects to <c>HOST:PORT</c> with the default options; see <see cref="HubClientOptions.Parse"/>.</summary>
    /// <inheritdoc cref="ConnectAsync(HubClientOptions, CancellationToken)" path="/exception"/>
    /// <exception cref="FormatException">It is not a host and port.</exception>
    public static ValueTask<HubClient> ConnectAsync(string hostAndPort, CancellationToken cancellationToken = default) =>
        ConnectAsync(HubClientOptions.Parse(hostAndPort), cancellationToken);

    /// <summary>Completes when the client is connected: at once, or after the first connection or the reconnection that is under way.</summary>
    /// <exception cref="HubConnectionException">The client is closed for good.</exception>
    public async ValueTask WaitUntilConnectedAsync(CancellationToken cancellationToken = default)
    {
        Begin();
        while (true)
        {
            Task changed = _supervisor.Changed;
            ObjectDisposedException.ThrowIf(_shutdown.IsDisposed, this);
            if (CloseReason is { } reason)
            {
                throw reason;
            }

            if (_supervisor.Connection is { CloseReason: null })
            {
                return;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Asks the hub for this client's id; the same as <see cref="UserId"/>, after a round trip.</summary>
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
    /// If the hub answers with an error, <see cref="RelayRejected"/> is raised.
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
        ObjectDisposedException.ThrowIf(_shutdown.IsDisposed, this);
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

    /// <summary>
    /// Says goodbye: sends everything the client has taken before, and waits until the hub has carried it out and answered with
    /// its own goodbye, behind which nothing comes. Calls made from now on fail. While there is no connection but calls taken
    /// before need one, it first waits for the session to be resumed, unless the hub had said that it is shutting down. Messages still
    /// arriving go to the reader; if there is none, those beyond <see cref="HubClientOptions.ReceiveBufferBytes"/> are dropped.
    /// May be called more than once. A handler of this client's events must not block until it has completed.
    /// </summary>
    /// <param name="cancellationToken">Stops waiting and cuts the connection.</param>
    /// <exception cref="HubConnectionException">The connection ended before the hub's goodbye, so some of it may be lost.</exception>
    public ValueTask CloseAsync(CancellationToken cancellationToken = default) => _shutdown.CloseAsync(cancellationToken);

    /// <summary>
    /// Closes like <see cref="CloseAsync"/>, for at most <see cref="HubClientOptions.CloseTimeout"/> and without an error, and
    /// gives back the memory of messages that nobody has received. A handler that still runs then is waited for about a second
    /// longer, and not at all if it is the caller, which may block on this.
    /// </summary>
    public ValueTask DisposeAsync() => _shutdown.DisposeAsync();

    /// <summary>
    /// Creates a client that makes its first connection as it makes those after a loss: in the background, and again and again, from
    /// <see cref="Begin"/> or the first call on. Calls made before it is connected wait. It is closed for good if the hub refuses in a
    /// way that would come again, or by the policy.
    /// </summary>
    internal static HubClient Create(HubClientOptions options)
    {
        options.Validate();
        var client = new HubClient(options);
        client._supervisor.Start();
        return client;
    }

    /// <summary>Starts to connect. May be called more than once.</summary>
    internal void Begin() => _supervisor.Begin();

    private Session Live()
    {
        ObjectDisposedException.ThrowIf(_shutdown.IsDisposed, this);
        Begin();
        return _session;
    }

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
