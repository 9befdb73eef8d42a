using System.Buffers;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>The conversation with a person, or with a program that speaks like one: lines (protocol, section 3).</summary>
internal sealed partial class TextSession : IProtocol, IReceiver
{
    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly TextParser _parser;
    private readonly PendingRelay _relay;
    private readonly SegmentWriter _body;
    private readonly BodyPause _pause;
    private User? _user;
    private volatile bool _verbose;
    private bool _relayUnderWay;
    private bool _bodyEnds;

    public TextSession(LoopServices services, Connection connection, User? user)
    {
        _services = services;
        _connection = connection;
        _parser = new(services.Limits.MaxBodyBytes, services.Limits.MaxReceivers);
        _relay = new(connection) { LeavesOutFull = services.Limits.LeavesOutFull(identity: null) };
        _body = new(connection.Loop.Pool);
        _pause = new(connection);
        _user = user;
        if (user is not null)
        {
            user.Receiver = this;
        }
    }

    /// <inheritdoc/>
    public long Deadline
    {
        get
        {
            long pause = _parser.BodyMayEndByPause ? _pause.Due : long.MaxValue;
            pause = Math.Min(pause, Math.Min(_paceDue, ProgressDue));
            return Math.Min(pause, _user?.EndsAt
                ?? (_services.Admission.IsDemanded ? AuthenticationDeadline : _connection.OpenedAt + OpeningSession.SilenceMilliseconds));
        }
    }

    /// <summary>A body tells its length by its end only: it may become as long as it may be.</summary>
    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) =>
        !isReceived && _parser.IsBetweenCommands && CommandsAhead.WholeBytes(front) is var whole and > 0 ? whole
        : ProtocolLimits.DeliveryHeaderBytes + _services.Limits.MaxBodyBytes + ProtocolLimits.MaxLineBytes - (int)_body.Bytes;

    /// <inheritdoc/>
    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int place, EventLoop running) =>
        _connection.Outbound.TryAdd(TextForm.Of(delivery, _verbose), delivery.Relays, null, waiter, place, running);

    /// <inheritdoc/>
    public int Consume(in Segment input)
    {
        var bytes = input.Length == 0 ? [] : input.Span;
        if (_connection.Input.HasArrived)
        {
            _parser.BeginArrival();
        }

        int used = 0;
        bool isBefore = _user is null && _services.Admission.IsDemanded;
        while (_connection.IsOpen && !_connection.IsPaused && _connection.Input.MayTakeWork())
        {
            if (_relay.WaitsForRoom(_connection.Outbound))
            {
                _connection.Pause();
                break;
            }

            var rest = bytes[used..];
            var found = Read(rest, out int consumed);
            used += consumed;
            if (_parser.LineSeen)
            {
                Join();
            }

            if (found == TextEvent.NeedMoreData)
            {
                if (!_bodyEnds)
                {
                    break;
                }

                // What is behind the pause is another matter.
                _bodyEnds = false;
                continue;
            }

            Carry(found, rest);
        }

        if (isBefore)
        {
            CountEarly(used);
        }

        WatchProgress();
        _connection.Input.UnfinishedBytes = (int)_body.Bytes;
        return used;
    }

    /// <inheritdoc/>
    public void OnDeadline()
    {
        if (EndsByTime())
        {
            return;
        }

        Join();
        EndWaitIfDue();
        EndIfStopped();
        if (_connection.IsOpen && _parser.BodyMayEndByPause && _pause.HasPassed())
        {
            _bodyEnds = true;
            _connection.Input.Reconsume();
        }
    }

    /// <inheritdoc/>
    public void End(CloseReason reason)
    {
        switch (reason)
        {
            case CloseReason.SlowConsumer:
                _services.CutOff(_user?.Id ?? 0, _connection);
                return;
            case CloseReason.Overloaded:
                _connection.SendTextError(ProtocolCode.Overloaded, "the hub is out of message memory and this body is unfinished");
                break;
            default:
                _connection.SendLast(ServerLines.ShuttingDown);
                break;
        }

        _connection.Close(reason);
    }

    /// <inheritdoc/>
    public void Resumed()
    {
        if (_relayUnderWay && _relay.IsDone)
        {
            Report();
        }

        // More than one thing may be waited for: time that is owed, a receiver, room for answers, a token's check.
        if (OwesTime || !_relay.IsDone || _check is not null)
        {
            _connection.Pause();
        }
    }

    /// <inheritdoc/>
    public void Closed(CloseReason reason)
    {
        _body.Clear();
        _check?.Withdraw();
        if (_user is not null)
        {
            _services.Leave(_user, _connection);
        }
        else
        {
            _services.LeaveUnknown(_connection);
        }
    }

    private TextEvent Read(ReadOnlySpan<byte> input, out int consumed) =>
        _bodyEnds ? _parser.ReadAfterPause(input, out consumed)
        : _connection.Input.IsFinal ? _parser.ReadFinal(input, out consumed)
        : _parser.Read(input, out consumed);

    private void Join()
    {
        if (_user is null && !_services.Admission.IsDemanded)
        {
            _user = _services.Join(this, _connection, "text", admitted: null);
        }
    }

    private void Carry(TextEvent found, ReadOnlySpan<byte> input)
    {
        if (_user is null)
        {
            CarryBefore(found, input);
            return;
        }

        if (_user.Rights is not null && IsForbidden(found))
        {
            return;
        }

        switch (found)
        {
            case TextEvent.Command:
                Carry(_parser.Verb, input[_parser.Argument]);
                break;
            case TextEvent.RelayBegins:
                BeginBody();
                break;
            case TextEvent.Body:
                _body.Write(input[_parser.Body]);
                break;
            case TextEvent.RelayEnds:
                Relay();
                break;
            default:
                _body.Clear();
                ServerLines.Error(_services.Lines, _parser.ErrorName, _parser.ErrorText);
                _connection.SendLines(_services.Lines);
                CountError(_parser.ErrorCode);
                break;
        }
    }

    private void Carry(TextVerb verb, ReadOnlySpan<byte> argument)
    {
        var lines = _services.Lines;
        switch (verb)
        {
            case TextVerb.Auth when _services.Admission.IsDemanded:
                BeginCheck(argument);
                return;
            // On a hub that lets everybody in, a token is as good as none.
            case TextVerb.Identity or TextVerb.Auth:
                ServerLines.Identity(lines, _user!.Id);
                break;
            case TextVerb.List:
                _services.Listing.SendLine(_connection, _user!.Id, lines, _user.Rights);
                CountList();
                break;
            case TextVerb.Echo when IsRefused(argument.Length, 1):
                break;
            case TextVerb.Echo:
                TextRenderer.RenderLine(argument, lines);
                CountEcho(argument.Length);
                break;
            case TextVerb.VerboseOn or TextVerb.VerboseOff:
                _verbose = verb == TextVerb.VerboseOn;
                break;
            case TextVerb.Help:
                _connection.Send(ServerLines.Help);
                break;
            case TextVerb.Quit:
                _connection.Close(CloseReason.Left);
                break;
            default:
                throw new InvalidOperationException($"The parser told the command {verb}.");
        }

        _connection.SendLines(lines);
    }

    private void BeginBody()
    {
        _body.Clear();
        _bodies++;
        Span<byte> header = stackalloc byte[ProtocolLimits.DeliveryHeaderBytes];
        header.Clear();
        _body.Write(header);
        if (_parser.PromptForBody)
        {
            _connection.Send(ServerLines.BodyPrompt);
        }
    }

    private void Relay()
    {
        var receivers = _parser.Receivers;
        int bodyBytes = (int)_body.Bytes - ProtocolLimits.DeliveryHeaderBytes;
        if (IsRefused(bodyBytes, receivers.Length))
        {
            _body.Clear();
            return;
        }

        receivers.CopyTo(_relay.Begin(receivers.Length));
        new DeliveryHeader(_user!.Id, bodyBytes).Write(_body.Segments.Items[0].Span);
        var delivery = _services.Delivery;
        delivery.Begin(_user.Id, 1, bodyBytes);
        foreach (ref readonly var part in _body.Segments.Items)
        {
            delivery.Frames.Add(part);
        }

        _relayUnderWay = true;
        _pause.Relays(_parser.EndedByPause);
        bool isDone = _services.Router.Route(delivery, _relay, mayWait: true);
        _body.Clear();
        if (isDone)
        {
            Report();
        }
        else
        {
            _connection.Pause();
        }

        CountRelay(bodyBytes, receivers.Length);
    }

    private void Report()
    {
        _relayUnderWay = false;
        _services.Router.Settle(_relay);
        var lines = _services.Lines;
        if (_pause.TakeMustTell())
        {
            lines.Write(ServerLines.SentAfterPause);
        }

        ServerLines.NotDelivered(lines, _relay.Receivers, _relay.Outcomes);
        if (_verbose)
        {
            ServerLines.RelayedTo(lines, _relay.Receivers, _relay.Outcomes);
        }

        _connection.SendLines(lines);
    }
}
