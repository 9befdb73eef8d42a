using System.Text;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <content>Where the hub demands a token: before it is verified there is no user, and nothing is carried out but <c>help</c> and <c>quit</c>.</content>
internal sealed partial class TextSession
{
    /// <summary>Errors before somebody is authenticated; the last one ends the connection.</summary>
    private const int MaxErrorsBefore = 3;

    private const string SayWhoText = $"{LoopServices.TokenWantedText}; say: auth TOKEN";
    private const string ThrownAwayText = "; all up to a line with only \".\" is thrown away";

    private TokenCheck? _check;
    private int _errorsBefore;
    private int _tokenBytes;
    private EarlyBytes _early;
    private bool _dropsBody;

    /// <inheritdoc/>
    public void Remove() => _services.Loop.Call(_connection, () =>
    {
        if (_connection.IsOpen)
        {
            End(ProtocolCode.Removed, CloseReason.Removed, LoopServices.RemovedText);
        }
    });

    /// <summary>What somebody says who is not authenticated.</summary>
    private void CarryBefore(TextEvent found, ReadOnlySpan<byte> input)
    {
        switch (found)
        {
            case TextEvent.Command when _parser.Verb == TextVerb.Auth:
                _tokenBytes = input[_parser.Argument].Length;
                BeginCheck(input[_parser.Argument]);
                break;
            case TextEvent.Command when _parser.Verb == TextVerb.Quit:
                Carry(_parser.Verb, []);
                break;
            case TextEvent.Command when _parser.Verb == TextVerb.Help:
                if (MaySendEarly(ServerLines.Help.Length))
                {
                    Carry(_parser.Verb, []);
                }

                break;
            case TextEvent.Command:
                RefuseBefore(ProtocolCode.AuthRequired, SayWhoText);
                break;
            case TextEvent.RelayBegins:
                _dropsBody = true;
                RefuseBefore(ProtocolCode.AuthRequired, SayWhoText + (_parser.PromptForBody ? ThrownAwayText : ""));
                break;
            case TextEvent.Body:
                break;
            case TextEvent.RelayEnds:
                _dropsBody = false;
                break;
            case TextEvent.Error when _dropsBody:
                _dropsBody = false;
                break;
            default:
                ServerLines.Error(_services.Lines, _parser.ErrorName, _parser.ErrorText);
                SendEarly();
                break;
        }
    }

    /// <summary>Counts what has come of somebody who is not authenticated.</summary>
    private void CountEarly(int bytes)
    {
        bool isWithin = _early.TryReceive(bytes, _tokenBytes);
        _tokenBytes = 0;
        if (!isWithin && _connection.IsOpen)
        {
            _check?.Withdraw();
            _check = null;
            _services.Limited.Met(LimitKind.EarlyBytesIn, _connection.Peer, _connection.Loop);
            End(ProtocolCode.AuthRequired, CloseReason.AuthRequired, RateText.EarlyBytes("came", Limit.EarlyBytesIn));
        }
    }

    /// <summary>Counts an answer to somebody who is not authenticated. False if it is too much; then the connection has ended.</summary>
    private bool MaySendEarly(int bytes)
    {
        if (_early.TrySend(bytes))
        {
            return true;
        }

        _services.Limited.Met(LimitKind.EarlyBytesOut, _connection.Peer, _connection.Loop);
        End(ProtocolCode.AuthRequired, CloseReason.AuthRequired, RateText.EarlyBytes("were to be sent", Limit.EarlyBytesOut));
        return false;
    }

    private void SendEarly()
    {
        if (!MaySendEarly(_services.Lines.WrittenCount))
        {
            _services.Lines.ResetWrittenCount();
            return;
        }

        _connection.SendLines(_services.Lines);
        CountErrorBefore();
    }

    /// <summary>Whether the user's token forbids what it says; then it has been told.</summary>
    private bool IsForbidden(TextEvent found)
    {
        if (_dropsBody)
        {
            _dropsBody = found == TextEvent.Body;
            return true;
        }

        switch (found)
        {
            case TextEvent.RelayBegins when _user!.Rights is { MaySend: false }:
                _dropsBody = true;
                Tell(ProtocolCode.NotAllowed, Rights.MayNotSendText + (_parser.PromptForBody ? ThrownAwayText : ""));
                return true;
            case TextEvent.Command when _parser.Verb == TextVerb.List && _user!.Rights is { MayList: false }:
                Tell(ProtocolCode.NotAllowed, Rights.MayNotListText);
                return true;
            default:
                return false;
        }
    }

    private void BeginCheck(ReadOnlySpan<byte> token)
    {
        _check = _services.Check(token, _connection, Checked);
        if (_check is null)
        {
            End(ProtocolCode.Overloaded, CloseReason.Overloaded, LoopServices.TooManyChecksText);
            return;
        }

        _connection.Pause();
    }

    private void Checked(AuthenticationResult result, IAuthenticator by)
    {
        if (!_connection.IsOpen || _check is null)
        {
            return;
        }

        _check = null;
        if (result.Identity is not { } identity)
        {
            RefuseToken(result.Description);
            return;
        }

        var admitted = new Admitted(identity, by);
        if (_user is null)
        {
            if (!_services.TryCount(identity, _connection, out var tooMany))
            {
                End(tooMany.Code, tooMany.Reason, tooMany.Text);
                return;
            }

            _user = _services.Join(this, _connection, "text", admitted);
        }
        else if (_user.Is(identity))
        {
            _services.Renew(_user, admitted, _connection);
        }
        else
        {
            RefuseToken("the token is not that of the user who spoke here before");
            return;
        }

        _relay.Rights = _user.Rights;
        _relay.LeavesOutFull = _services.Limits.LeavesOutFull(identity);
        ServerLines.Identity(_services.Lines, _user.Id);
        _connection.SendLines(_services.Lines);
        _connection.Resume();
        _connection.Reschedule();
    }

    private void RefuseBefore(ProtocolCode code, string text)
    {
        ServerLines.Error(_services.Lines, code, Encoding.UTF8.GetBytes(text));
        SendEarly();
    }

    private void CountErrorBefore()
    {
        if (++_errorsBefore == MaxErrorsBefore)
        {
            _services.Admission.NoteRefused(_connection.Peer, LoopServices.TokenWantedText);
            _connection.Close(CloseReason.AuthRequired);
        }
    }

    private void RefuseToken(string text)
    {
        _services.Admission.NoteRefused(_connection.Peer, text);
        End(ProtocolCode.AuthFailed, CloseReason.AuthFailed, text);
    }

    private void Tell(ProtocolCode code, string text)
    {
        ServerLines.Error(_services.Lines, code, Encoding.UTF8.GetBytes(text));
        _connection.SendLines(_services.Lines);
        CountError(code);
    }

    private void End(ProtocolCode code, CloseReason reason, string text)
    {
        _connection.SendTextError(code, text);
        _connection.Close(reason);
    }

    /// <summary>Ends the connection if the time of the token, or that for showing one, is over.</summary>
    private bool EndsByTime()
    {
        long now = _connection.Loop.Now;
        if (_user is not null ? now < _user.EndsAt : !_services.Admission.IsDemanded || now < AuthenticationDeadline)
        {
            return false;
        }

        if (_user is null)
        {
            _services.Limited.Met(LimitKind.Authentication, _connection.Peer, _connection.Loop);
            End(ProtocolCode.HandshakeTimeout, CloseReason.HandshakeTimeout, RateText.NotAuthenticated(_services.Limits.User.AuthenticationTimeout));
        }
        else
        {
            End(ProtocolCode.AuthFailed, CloseReason.TokenExpired, LoopServices.TokenExpiredText);
        }

        return true;
    }

    private long AuthenticationDeadline => _services.Limits.AuthenticationDue(_connection.OpenedAt);
}
