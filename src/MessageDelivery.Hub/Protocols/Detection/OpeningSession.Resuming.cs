using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <content>A HELLO that wants to go on with a session (protocol, section 5).</content>
internal sealed partial class OpeningSession
{
    /// <summary>Reads a HELLO that is whole and as it must be.</summary>
    private static bool TryReadHello(ReadOnlySpan<byte> bytes, out FrameHeader header, out HelloPayload hello)
    {
        hello = default;
        header = bytes.Length < ProtocolLimits.HeaderBytes ? default : FrameHeader.Read(bytes);
        return bytes.Length >= ProtocolLimits.HeaderBytes
            && HelloCheck.Refusal(header, out _) == ProtocolCode.Normal
            && bytes.Length >= ProtocolLimits.HeaderBytes + (int)header.Length
            && HelloPayload.TryRead((HelloFlags)header.Flags, bytes.Slice(ProtocolLimits.HeaderBytes, (int)header.Length), out hello);
    }

    /// <summary>If the client tells the key of a session, asks for that, once it has been let in where the hub demands that.</summary>
    private bool TryGoOn(HelloFlags flags, in HelloPayload hello)
    {
        if (!flags.HasFlag(HelloFlags.Resume) || (!_helloBegan && !TryBeginHello()))
        {
            return false;
        }

        var key = new SessionKey(hello.SessionKey);
        if (!_services.Admission.IsDemanded)
        {
            return TryTakeOver(key, hello.FramesReceived);
        }

        if (_services.Sessions.Find(key) is null)
        {
            return false;
        }

        BeginCheck(flags, hello);
        return true;
    }

    /// <summary>If there is a session of this key, asks for it; what the client sends behind its HELLO waits meanwhile.</summary>
    private bool TryTakeOver(SessionKey key, ulong total)
    {
        if (_services.Sessions.Find(key) is not { } session)
        {
            return false;
        }

        _isResumable = true;
        Deadline = long.MaxValue;
        _connection.Pause();
        session.RequestTakeOver(new(_services, _connection, this, _order, key, total, _admitted));
        return true;
    }

    /// <summary>The session that the client wanted cannot be had: it gets a new one, or none if it asked for what was never sent.</summary>
    /// <param name="replaces">Whether the session had a connection, which has ended for this one.</param>
    public void Refused(TotalCheck check, bool replaces)
    {
        if (!_connection.IsOpen)
        {
            return;
        }

        if (check == TotalCheck.NeverSent)
        {
            Refuse(ProtocolCode.ProtocolError, CloseReason.ProtocolError, "the total of frames received is larger than what was sent");
            return;
        }

        if (IsCounted(replaces))
        {
            BecomeBinary();
            _connection.Resume();
        }
    }

    /// <summary>A connection that was accepted after this one has the session.</summary>
    public void Outdated()
    {
        if (_connection.IsOpen)
        {
            Refuse(ProtocolCode.TakenOver, CloseReason.TakenOver, BinarySession.TakenOverText);
        }
    }

    /// <summary>The session that the client wanted is here.</summary>
    public void Resume(ResumableSession session, TakeOver takeOver)
    {
        if (!_connection.IsOpen)
        {
            session.AwaitReturn();
            return;
        }

        if (!IsCounted(takeOver.Replaces))
        {
            session.AwaitReturn();
            return;
        }

        switch (session.ComeBack(takeOver))
        {
            case null:
                takeOver.Arrive(session);
                break;
            case TotalCheck.Held:
                LeaveAsText();
                _connection.Protocol = "binary";
                if (_admitted is not null)
                {
                    _services.Renew(session.User, _admitted, _connection);
                }

                _connection.Handler = new BinarySession(_services, _connection, session.User, session);
                _connection.Resume();
                break;
            case var check:
                session.AwaitReturn();
                Refused(check.Value, takeOver.Replaces);
                break;
        }
    }

    /// <summary>A silent user that turns out to be another one leaves.</summary>
    private void LeaveAsText()
    {
        if (_user is not null)
        {
            _services.Leave(_user, _connection);
        }
    }
}
