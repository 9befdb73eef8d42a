using System.Diagnostics;
using System.Diagnostics.Metrics;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MessageDelivery.Client;

/// <summary>
/// The client's log events, metrics and activities. Listeners that throw do no harm. Thread-safe; a relay allocates nothing here unless it is
/// traced.
/// </summary>
internal sealed class ClientTelemetry
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Name = "MessageDelivery.Client";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter SharedMeter = new(Name);

    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly string _hub;
    private readonly KeyValuePair<string, object?> _address;
    private readonly KeyValuePair<string, object?> _port;
    private readonly UpDownCounter<int> _connections;
    private readonly Counter<long> _connected;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _relays;
    private readonly Counter<long> _relayBytes;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _deliveries;
    private readonly Counter<long> _deliveryBytes;
    private readonly Histogram<double> _duration;
    private volatile HubConnectionException? _lastFailure;

    public ClientTelemetry(HubClientOptions options)
    {
        _logger = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger<HubClient>();
        _time = options.TimeProvider;
        _hub = options.HubName;
        _address = new("server.address", options.Host);
        _port = new("server.port", options.Port);

        // A meter gives the same instrument to all who create one of the same name.
        Meter meter = options.MeterFactory?.Create(Name) ?? SharedMeter;
        _connections = meter.CreateUpDownCounter<int>("mds.client.connections", "{connection}", "Connections that stand.");
        _connected = meter.CreateCounter<long>("mds.client.connected", "{connection}", "Connections made, by what became of the session.");
        _lost = meter.CreateCounter<long>("mds.client.lost", "{connection}", "Connections that ended other than by the program, by reason.");
        _failed = meter.CreateCounter<long>("mds.client.attempts.failed", "{attempt}", "Attempts to connect in the background that failed, by reason.");
        _relays = meter.CreateCounter<long>("mds.client.relays", "{message}", "Relays taken from the program.");
        _relayBytes = meter.CreateCounter<long>("mds.client.relays.body", "By", "Bytes of their bodies.");
        _rejected = meter.CreateCounter<long>("mds.client.relays.rejected", "{message}", "Relays without a receipt that the hub answered with an error.");
        _deliveries = meter.CreateCounter<long>("mds.client.deliveries", "{message}", "Deliveries received.");
        _deliveryBytes = meter.CreateCounter<long>("mds.client.deliveries.body", "By", "Bytes of their bodies.");
        _duration = meter.CreateHistogram<double>("mds.client.request.duration", "s", "From a call until the hub's answer, by request; of a relay, its receipt.");
    }

    /// <summary>Why the last attempt to connect in the background failed; null if none has since the last connection.</summary>
    public HubConnectionException? LastFailure => _lastFailure;

    /// <summary>Sends a frame that has no answer.</summary>
    public ValueTask SendAsync(Session session, in OutboundFrame frame, CancellationToken cancellationToken)
    {
        int bytes = frame.Body.Length;
        if (Source.HasListeners())
        {
            return TraceAsync(session, frame, cancellationToken);
        }

        ValueTask sending = session.SendAsync(frame, cancellationToken);
        return !_relays.Enabled ? sending : CountAsync(sending, bytes);
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    public ValueTask<T> RequestAsync<T>(Session session, PendingRequest<T> request, in OutboundFrame frame, CancellationToken cancellationToken) =>
        Source.HasListeners() || _duration.Enabled || _relays.Enabled
            ? ObserveAsync(session, request, frame, cancellationToken)
            : session.RequestAsync(request, frame, cancellationToken);

    public void NoteDelivery(int bodyBytes)
    {
        if (_deliveries.Enabled || _deliveryBytes.Enabled)
        {
            Count(_deliveries, _deliveryBytes, bodyBytes);
        }
    }

    /// <summary>The first connection, which the program waited for.</summary>
    public void NoteFirst(SessionStart start)
    {
        NoteStart(start);
        Guard(() => _connections.Add(1, _address, _port));
    }

    public void NoteRelayRejected(HubRequestException error) => Guard(() =>
    {
        _rejected.Add(1, _address, _port);
        _logger.RelayRejected(_hub, error.Message);
    });

    public void NoteAttemptFailed(HubConnectionException reason, bool isFirst)
    {
        _lastFailure = reason;
        Guard(() =>
        {
            _failed.Add(1, _address, _port, new("reason", ReasonOf(reason)));
            if (isFirst)
            {
                _logger.AttemptFailed(_hub, reason.Message);
            }
            else
            {
                _logger.AttemptFailedAgain(_hub, reason.Message);
            }
        });
    }

    public void NoteHandlerFailed(string name, Exception exception) => Guard(() => _logger.HandlerFailed(name, exception));

    public void NoteStart(SessionStart start) => Guard(() =>
    {
        _connected.Add(1, _address, _port, new("session", start.IsResumed ? "resumed" : start.OldUserId == 0 ? "new" : "lost"));
        if (start.IsResumed)
        {
            _logger.SessionResumed(_hub, start.UserId);
        }
        else if (start.OldUserId != 0)
        {
            _logger.IdentityChanged(_hub, start.UserId, start.OldUserId, start.UnknownRelays);
        }
        else
        {
            _logger.Connected(_hub, start.UserId);
        }
    });

    public void NoteState(ConnectionState before, ConnectionState now, HubConnectionException reason) => Guard(() =>
    {
        if (now == ConnectionState.Connected)
        {
            _lastFailure = null;
        }

        if (before != now && (before == ConnectionState.Connected || now == ConnectionState.Connected))
        {
            _connections.Add(now == ConnectionState.Connected ? 1 : -1, _address, _port);
        }

        bool isByProgram = reason.Code == ProtocolCode.Normal;
        if (before == ConnectionState.Connected && now != ConnectionState.Connected && !isByProgram)
        {
            _lost.Add(1, _address, _port, new("reason", ReasonOf(reason)));
        }

        if (now == ConnectionState.Reconnecting)
        {
            _logger.ConnectionLost(_hub, reason.Message);
        }
        else if (now == ConnectionState.Closed && isByProgram)
        {
            _logger.Closed(_hub);
        }
        else if (now == ConnectionState.Closed)
        {
            _logger.ClosedForGood(_hub, reason.Message);
        }
    });

    private static string ReasonOf(HubConnectionException reason) => reason switch
    {
        { Code: { } code } => code.Name(),
        HubTlsException => "tls",
        { InnerException: TimeoutException } => "timeout",
        _ => "network",
    };

    private static void Guard(Action tell)
    {
        try
        {
            tell();
        }
        catch (Exception)
        {
            // A failing logger or listener must not end a connection.
        }
    }

    private async ValueTask CountAsync(ValueTask sending, int bodyBytes)
    {
        await sending.ConfigureAwait(false);
        CountRelay(bodyBytes);
    }

    private void CountRelay(int bodyBytes) => Count(_relays, _relayBytes, bodyBytes);

    private void Count(Counter<long> messages, Counter<long> bytes, int bodyBytes)
    {
        try
        {
            messages.Add(1, _address, _port);
            bytes.Add(bodyBytes, _address, _port);
        }
        catch (Exception)
        {
            // As in Guard, without a closure for each message.
        }
    }

    private async ValueTask TraceAsync(Session session, OutboundFrame frame, CancellationToken cancellationToken)
    {
        using Activity? activity = Begin(frame);
        try
        {
            await session.SendAsync(frame, cancellationToken).ConfigureAwait(false);
            CountRelay(frame.Body.Length);
        }
        catch (Exception error)
        {
            activity?.SetStatus(ActivityStatusCode.Error, error.Message);
            throw;
        }
    }

    private async ValueTask<T> ObserveAsync<T>(Session session, PendingRequest<T> request, OutboundFrame frame, CancellationToken cancellationToken)
    {
        using Activity? activity = Begin(frame);
        long since = _time.GetTimestamp();
        string? error = null;
        try
        {
            T answer = await session.RequestAsync(request, frame, cancellationToken).ConfigureAwait(false);
            if (frame.Type == FrameType.Relay)
            {
                CountRelay(frame.Body.Length);
                activity?.SetTag("mds.all_accepted", answer is Receipt { AllAccepted: true });
            }

            return answer;
        }
        catch (Exception exception)
        {
            error = exception switch
            {
                HubRequestException { Code: var code } => code.Name(),
                HubConnectionException lost => ReasonOf(lost),
                OperationCanceledException => "cancelled",
                _ => "other",
            };
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            activity?.SetTag("error.type", error);
            throw;
        }
        finally
        {
            var tags = new TagList { _address, _port, { "request", NameOf(frame.Type) } };
            if (error is not null)
            {
                tags.Add("error.type", error);
            }

            Guard(() => _duration.Record(_time.GetElapsedTime(since).TotalSeconds, tags));
        }
    }

    private Activity? Begin(in OutboundFrame frame)
    {
        bool isRelay = frame.Type == FrameType.Relay;
        Activity? activity = Source.StartActivity($"mds {NameOf(frame.Type)}", isRelay ? ActivityKind.Producer : ActivityKind.Client);
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("messaging.system", "mds").SetTag("messaging.operation.name", NameOf(frame.Type))
                .SetTag(_address.Key, _address.Value).SetTag(_port.Key, _port.Value);
            if (isRelay)
            {
                activity.SetTag("messaging.operation.type", "send").SetTag("messaging.message.body.size", frame.Body.Length)
                    .SetTag("mds.receivers", Math.Max(1, frame.Receivers.Length));
            }
        }

        return activity;
    }

    private static string NameOf(FrameType type) => type switch
    {
        FrameType.Relay => "relay",
        FrameType.Echo => "echo",
        FrameType.Identity => "identity",
        FrameType.List => "list",
        _ => "other",
    };
}
