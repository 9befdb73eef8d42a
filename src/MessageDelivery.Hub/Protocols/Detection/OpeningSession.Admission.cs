using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <content>Where the hub demands a token: nobody has an id, or a session, before it is verified (protocol, section 1).</content>
internal sealed partial class OpeningSession
{
    private TokenCheck? _check;
    private Admitted? _admitted;
    private bool _isCounted;
    private HelloFlags _flags;
    private SessionKey _wantedKey;
    private ulong _wantedTotal;

    /// <summary>Asks for the HELLO's token to be verified; what the client sends behind it waits meanwhile.</summary>
    private void BeginCheck(HelloFlags flags, in HelloPayload hello)
    {
        _flags = flags;
        _wantedKey = flags.HasFlag(HelloFlags.Resume) ? new(hello.SessionKey) : default;
        _wantedTotal = hello.FramesReceived;
        if (hello.Token.IsEmpty)
        {
            RefuseToken(ProtocolCode.AuthRequired, LoopServices.TokenWantedText);
            return;
        }

        Deadline = _services.Limits.AuthenticationDue(_connection.OpenedAt);
        _check = _services.Check(hello.Token, _connection, Checked);
        if (_check is null)
        {
            Refuse(ProtocolCode.Overloaded, CloseReason.Overloaded, LoopServices.TooManyChecksText);
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
            RefuseToken(ProtocolCode.AuthFailed, result.Description);
            return;
        }

        _admitted = new(identity, by);
        if (_flags.HasFlag(HelloFlags.Resume) && (_refusal is null || _refusal == Refusal.Overloaded) && TryTakeOver(_wantedKey, _wantedTotal))
        {
            return;
        }

        if (_refusal is not null)
        {
            RefuseAsTold();
            return;
        }

        if (!IsCounted())
        {
            return;
        }

        _isResumable = _flags != HelloFlags.None && _services.Sessions.Term.WindowMilliseconds > 0;
        BecomeBinary();
        _connection.Resume();
    }

    /// <summary>Counts it among its identity's connections, once. False if those are too many; then it has been told so.</summary>
    /// <param name="replaces">Whether it comes in place of another one of them.</param>
    private bool IsCounted(bool replaces = false)
    {
        if (_admitted is null || _isCounted)
        {
            return true;
        }

        if (replaces)
        {
            _services.CountInstead(_admitted.Identity, _connection);
        }
        else if (!_services.TryCount(_admitted.Identity, _connection, out var tooMany))
        {
            Refuse(tooMany.Code, tooMany.Reason, tooMany.Text);
            return false;
        }

        return _isCounted = true;
    }

    /// <summary>The first bytes, or the token, did not come in time.</summary>
    private void RefuseAsTooSlow()
    {
        // Something may have begun and be within its own time: then it is the token that is late.
        bool isTokens = _services.Admission.IsDemanded && !MustBeSecured && !_isShakingHands
            && _connection.Loop.Now >= _services.Limits.AuthenticationDue(_connection.OpenedAt);
        var limits = _services.Limits.User;
        _services.Limited.Met(isTokens ? LimitKind.Authentication : LimitKind.Handshake, _connection.Peer, _connection.Loop);
        Refuse(
            ProtocolCode.HandshakeTimeout,
            CloseReason.HandshakeTimeout,
            isTokens ? RateText.NotAuthenticated(limits.AuthenticationTimeout) : RateText.TooSlow("the first bytes", limits.HandshakeTimeout));
    }

    private void RefuseToken(ProtocolCode code, string text)
    {
        _services.Admission.NoteRefused(_connection.Peer, text);
        Refuse(code, LoopServices.ReasonOf(code), text);
    }

    private void WithdrawCheck()
    {
        _check?.Withdraw();
        _check = null;
    }
}
