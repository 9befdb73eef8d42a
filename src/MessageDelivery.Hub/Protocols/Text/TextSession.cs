using System.Text;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>The conversation with a person, or with a program that speaks like one: lines (protocol, section 3).</summary>
internal sealed class TextSession : IProtocol, IReceiver
{
    public const string ThrownAwayText = "; all up to a line with only \".\" is thrown away";

    private readonly LoopServices _services;
    private readonly Connection _connection;
    private readonly TextParser _parser;
    private readonly TextRelay _relay;
    private readonly SessionPace _pace;
    private readonly SignIn? _signIn;
    private readonly TextStranger _stranger;
    private User? _user;
    private volatile bool _verbose;
    private bool _bodyEnds;
    private bool _dropsBody;

    public TextSession(LoopServices services, Connection connection, User? user)
    {
        _services = services;
        _connection = connection;
        _parser = new(services.Limits.MaxBodyBytes, services.Limits.MaxReceivers);
        _relay = new(services, connection);
        _pace = new(services, connection, user?.Identity);
        if (services.Authentication.IsDemanded)
        {
            _signIn = new(services, connection, OnSignedIn, connection.CloseWithError);
        }

        _stranger = new(services, connection, _parser, _signIn);
        _user = user;
        if (user is not null)
        {
            user.Receiver = this;
        }
    }

    public long Deadline => Math.Min(
        Math.Min(_parser.BodyMayEndByPause ? _relay.Pause.Due : long.MaxValue, _pace.Due),
        _user?.EndsAt ?? (_signIn is not null ? AuthenticationDue : _connection.OpenedAt + SessionLimits.SilenceMilliseconds));

    private long AuthenticationDue => _services.Limits.AuthenticationDue(_connection.OpenedAt);

    /// <summary>A body tells its length by its end only: it may become as long as it may be.</summary>
    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) =>
        !isReceived && _parser.IsBetweenCommands && CommandsAhead.WholeBytes(front) is var whole and > 0 ? whole
        : ProtocolLimits.DeliveryHeaderBytes + _services.Limits.MaxBodyBytes + ProtocolLimits.MaxLineBytes - _relay.KeptBytes;

    public QueueResult Deliver(Delivery delivery, IDeliveryWaiter? waiter, int index, EventLoop running) =>
        _connection.Outbound.TryAdd(TextForm.Of(delivery, _verbose), delivery.Relays, null, waiter, index, running);

    public int Consume(in Segment input)
    {
        var bytes = input.Length == 0 ? [] : input.Span;
        if (_connection.Input.HasArrived)
        {
            _parser.BeginArrival();
        }

        int used = 0;
        bool mustSignIn = _user is null && _signIn is not null;
        while (_connection.IsOpen && !_connection.IsPaused && _connection.Input.MayTakeWork())
        {
            if (_relay.Pending.WaitsForRoom(_connection.Outbound))
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

            CarryOut(found, rest);
        }

        if (mustSignIn)
        {
            _stranger.CountReceived(used);
        }

        _relay.WatchProgress(_pace);
        _connection.Input.UnfinishedBytes = _relay.KeptBytes;
        return used;
    }

    public void OnDeadline()
    {
        if (Expired() is { } expired)
        {
            _connection.CloseWithError(expired);
            return;
        }

        Join();
        _pace.EndWaitIfDue();
        if (_pace.EndIfStopped("body") is { } stopped)
        {
            _connection.CloseWithError(stopped);
        }

        if (_connection.IsOpen && _parser.BodyMayEndByPause && _relay.Pause.HasPassed())
        {
            _bodyEnds = true;
            _connection.Input.Reconsume();
        }
    }

    public void Resumed()
    {
        _relay.ReportIfDone(_verbose);
        // More than one thing may be waited for: time that is owed, a receiver, room for answers, a token's check.
        if (_pace.MustWait || !_relay.Pending.IsDone || _signIn is { IsUnderWay: true })
        {
            _connection.Pause();
        }
    }

    public void End(CloseReason reason)
    {
        if (reason == CloseReason.SlowConsumer)
        {
            _services.CutOff(_user?.Id ?? 0, _connection);
        }
        else
        {
            _connection.CloseWithError(reason == CloseReason.Overloaded ? Ending.OutOfMemoryFor("body") : Ending.ShuttingDown);
        }
    }

    public void Remove() => _services.Loop.Call(_connection, () =>
    {
        if (_connection.IsOpen)
        {
            _connection.CloseWithError(Ending.Removed);
        }
    });

    public void Closed(CloseReason reason)
    {
        _relay.Clear();
        _signIn?.Withdraw();
        _services.Leave(_user, _connection);
    }

    private TextEvent Read(ReadOnlySpan<byte> input, out int consumed) =>
        _bodyEnds ? _parser.ReadAfterPause(input, out consumed)
        : _connection.Input.IsFinal ? _parser.ReadFinal(input, out consumed)
        : _parser.Read(input, out consumed);

    private void Join()
    {
        if (_signIn is null)
        {
            _user ??= _services.Join(this, _connection, "text", signedIn: null);
        }
    }

    private void CarryOut(TextEvent found, ReadOnlySpan<byte> input)
    {
        if (_dropsBody)
        {
            _dropsBody = found == TextEvent.Body;
            return;
        }

        if (_user is null)
        {
            _dropsBody = found == TextEvent.RelayBegins;
            _stranger.CarryOut(found, input);
            return;
        }

        if (_user.Rights is { } rights && Forbidden(rights, found) is { } forbidden)
        {
            _dropsBody = found == TextEvent.RelayBegins;
            SendError(ProtocolCode.NotAllowed, forbidden + (_dropsBody && _parser.PromptForBody ? ThrownAwayText : ""));
            return;
        }

        switch (found)
        {
            case TextEvent.Command:
                CarryOut(_parser.Verb, input[_parser.Argument], _user);
                break;
            case TextEvent.RelayBegins:
                _relay.Begin();
                if (_parser.PromptForBody)
                {
                    _connection.Send(ServerLines.BodyPrompt);
                }

                break;
            case TextEvent.Body:
                _relay.Write(input[_parser.Body]);
                break;
            case TextEvent.RelayEnds:
                Relay(_user);
                break;
            default:
                _relay.Clear();
                ServerLines.Error(_services.Lines, _parser.ErrorName, _parser.ErrorText);
                _connection.SendLines(_services.Lines);
                CountError(_parser.ErrorCode);
                break;
        }
    }

    private void CarryOut(TextVerb verb, ReadOnlySpan<byte> argument, User user)
    {
        var lines = _services.Lines;
        switch (verb)
        {
            case TextVerb.Auth when _signIn is not null:
                _signIn.Begin(argument);
                return;
            // On a hub that lets everybody in, a token is as good as none.
            case TextVerb.Identity or TextVerb.Auth:
                ServerLines.Identity(lines, user.Id);
                break;
            case TextVerb.List:
                _services.Listing.SendLine(_connection, user.Id, lines, user.Rights);
                Count(user, LimitKind.ListRate, 0);
                break;
            case TextVerb.Echo when IsRefused(argument.Length, 1):
                break;
            case TextVerb.Echo:
                TextRenderer.RenderLine(argument, lines);
                Count(user, LimitKind.EchoRate, argument.Length);
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

    private void Relay(User user)
    {
        var receivers = _parser.Receivers;
        int bodyBytes = _relay.BodyBytes;
        if (IsRefused(bodyBytes, receivers.Length))
        {
            _relay.Clear();
            return;
        }

        if (_relay.Route(user.Id, receivers, _parser.EndedByPause))
        {
            _relay.ReportIfDone(_verbose);
        }
        else
        {
            _connection.Pause();
        }

        if (_pace.LimitsRelays)
        {
            Count(user, LimitKind.RelayRate, (long)bodyBytes * receivers.Length);
        }
    }

    /// <summary>Why the user's token does not let it do what it says; null if it does.</summary>
    private string? Forbidden(Rights rights, TextEvent found) =>
        found == TextEvent.RelayBegins && !rights.MaySend ? Rights.MayNotSendText
        : found == TextEvent.Command && _parser.Verb == TextVerb.List && !rights.MayList ? Rights.MayNotListText
        : null;

    /// <summary>Refuses a relay, or an echo, that would have to wait for too long.</summary>
    private bool IsRefused(int bytes, int receivers)
    {
        if (!_pace.IsTooMuch(bytes, receivers))
        {
            return false;
        }

        SendError(ProtocolCode.RateLimited, _pace.TooMuchText(bytes, receivers));
        return true;
    }

    private void Count(User user, LimitKind rate, long bytes)
    {
        if (_pace.MustWaitAfter(user, rate, bytes))
        {
            _connection.Pause();
        }
    }

    private void SendError(ProtocolCode code, string text)
    {
        ServerLines.Error(_services.Lines, code, Encoding.UTF8.GetBytes(text));
        _connection.SendLines(_services.Lines);
        CountError(code);
    }

    private void CountError(ProtocolCode code)
    {
        if (_connection.IsOpen && _pace.CountError(code) is { } tooMany)
        {
            _connection.CloseWithError(tooMany);
        }
    }

    private void OnSignedIn(SignedIn signedIn)
    {
        var identity = signedIn.Identity;
        if (_user is null)
        {
            if (!_signIn!.TryCount(identity))
            {
                return;
            }

            _user = _services.Join(this, _connection, "text", signedIn);
        }
        else if (_user.Is(identity))
        {
            _services.Renew(_user, signedIn, _connection);
        }
        else
        {
            _signIn!.Refuse(Ending.TokenRefused("the token is not that of the user who spoke here before"));
            return;
        }

        _pace.Use(identity);
        _relay.Pending.Rights = _user.Rights;
        _relay.Pending.LeavesOutFull = _services.Limits.LeavesOutFull(identity);
        ServerLines.Identity(_services.Lines, _user.Id);
        _connection.SendLines(_services.Lines);
        _connection.Resume();
        _connection.Reschedule();
    }

    /// <summary>How the connection ends if the time of the token, or that for showing one, is over.</summary>
    private Ending? Expired()
    {
        long now = _connection.Loop.Now;
        if (_user is not null)
        {
            return now < _user.EndsAt ? null : Ending.TokenExpired;
        }

        if (_signIn is null || now < AuthenticationDue)
        {
            return null;
        }

        _services.Limited.Met(LimitKind.Authentication, _connection.Peer, _connection.Loop);
        return Ending.NotAuthenticated(_services.Limits.User.AuthenticationTimeout);
    }
}
