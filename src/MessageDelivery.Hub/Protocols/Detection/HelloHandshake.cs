using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Resuming;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>
/// What a HELLO brings about: its token is verified where the hub demands one, the session whose key it tells is taken over, or a new
/// one begins (protocol, sections 1 and 5). Nobody has an id, or a session, before the token is verified.
/// </summary>
internal sealed class HelloHandshake(
    Detector detector, OpeningSession opening, UndecidedUser user, Connection connection, Ending? refusal, long order) : ISessionClaimant
{
    private readonly LoopServices _services = detector.Shared;
    private SignIn? _signIn;
    private SignedIn? _signedIn;
    private HelloFlags _flags;
    private SessionKey _key;
    private ulong _total;
    private bool _isResumable;

    private SignIn SignIn => _signIn ??= new(_services, connection, OnSignedIn, opening.Refuse);

    /// <summary>Whoever resumes frees memory, and is let in where there is none for others.</summary>
    private bool MayResume => refusal is null || refusal == Ending.Overloaded;

    /// <summary>Looks at a HELLO, of which at least a byte has come; returns how many bytes it is done with.</summary>
    public int Consume(in Segment input)
    {
        if (!HelloCheck.TryRead(input.Span, out var header, out var hello, out var wrong))
        {
            return wrong is null ? 0 : Refuse(wrong, input);
        }

        int frameBytes = ProtocolLimits.HeaderBytes + (int)header.Length;
        if (TryResume((HelloFlags)header.Flags, hello))
        {
            return frameBytes;
        }

        if (refusal is not null)
        {
            return Refuse(refusal, input);
        }

        if (_services.Authentication.IsDemanded)
        {
            ShowToken(hello.Token);
            return connection.IsOpen ? frameBytes : input.Length;
        }

        var session = BeginSession();
        return frameBytes + session.Consume(new(input.Block, input.Offset + frameBytes, input.Length - frameBytes));
    }

    /// <summary>If the client tells the key of a session, asks for that, once its token is verified where the hub demands that.</summary>
    public bool TryResume(HelloFlags flags, in HelloPayload hello)
    {
        _flags = flags;
        if (!flags.HasFlag(HelloFlags.Resume) || !MayResume || !user.TryBeginHello())
        {
            return false;
        }

        _key = new(hello.SessionKey);
        _total = hello.FramesReceived;
        if (!_services.Authentication.IsDemanded)
        {
            return TryTakeOver();
        }

        if (_services.Sessions.Find(_key) is null)
        {
            return false;
        }

        ShowToken(hello.Token);
        return true;
    }

    /// <summary>Nobody waits for the token any more.</summary>
    public void Withdraw() => _signIn?.Withdraw();

    /// <summary>The session that the client wanted cannot be had: it gets a new one, or none if it asked for what was never sent.</summary>
    public void Refused(ReplayStatus check, bool replaces)
    {
        if (!connection.IsOpen)
        {
            return;
        }

        if (check == ReplayStatus.NeverSent)
        {
            opening.Refuse(Ending.ProtocolError("the total of frames received is larger than what was sent"));
        }
        else if (TryCount(replaces))
        {
            BeginSession();
            connection.Resume();
        }
    }

    public void Outdated()
    {
        if (connection.IsOpen)
        {
            opening.Refuse(Ending.TakenOver);
        }
    }

    public void Resume(ResumableSession session, TakeOver takeOver)
    {
        if (!connection.IsOpen || !TryCount(takeOver.Replaces))
        {
            session.AwaitReturn();
            return;
        }

        switch (session.Attach(takeOver))
        {
            case null:
                takeOver.Arrive(session);
                break;
            case ReplayStatus.Available:
                user.LeaveIfJoined();
                connection.Protocol = "binary";
                if (_signedIn is not null)
                {
                    _services.Renew(session.User, _signedIn, connection);
                }

                connection.Handler = new BinarySession(detector.Binary, connection, session.User, session);
                connection.Resume();
                break;
            case var check:
                session.AwaitReturn();
                Refused(check.Value, takeOver.Replaces);
                break;
        }
    }

    /// <summary>If there is a session of the key, asks for it; what the client sends behind its HELLO waits meanwhile.</summary>
    private bool TryTakeOver()
    {
        if (_services.Sessions.Find(_key) is not { } session)
        {
            return false;
        }

        _isResumable = true;
        opening.Deadline = long.MaxValue;
        connection.Pause();
        session.RequestTakeOver(new(detector.Binary, connection, this, order, _key, _total, _signedIn?.Identity));
        return true;
    }

    private void ShowToken(ReadOnlySpan<byte> token)
    {
        if (token.IsEmpty)
        {
            SignIn.Refuse(Ending.NoToken);
            return;
        }

        opening.Deadline = _services.Limits.AuthenticationDue(connection.OpenedAt);
        SignIn.Begin(token);
    }

    private void OnSignedIn(SignedIn signedIn)
    {
        _signedIn = signedIn;
        if (_flags.HasFlag(HelloFlags.Resume) && MayResume && TryTakeOver())
        {
            return;
        }

        if (refusal is not null)
        {
            opening.Refuse(refusal);
        }
        else if (TryCount(replaces: false))
        {
            BeginSession();
            connection.Resume();
        }
    }

    private bool TryCount(bool replaces) => _signedIn is null || SignIn.TryCount(_signedIn.Identity, replaces);

    private BinarySession BeginSession()
    {
        _isResumable |= _flags != HelloFlags.None && _services.Sessions.Term.WindowMilliseconds > 0;
        var joined = user.Join("binary", _signedIn);
        var resumable = _isResumable ? new ResumableSession(_services.Sessions, detector.Binary, joined, connection, order) : null;
        var session = new BinarySession(detector.Binary, connection, joined, resumable);
        Span<byte> welcome = stackalloc byte[BinaryReplies.WelcomeBytes];
        int length = BinaryReplies.WriteWelcome(welcome, joined.Id, _services.Limits, resumable, WelcomeFlags.None);
        user.HandTo((IReceiver?)resumable ?? session, welcome[..length]);
        connection.Handler = session;
        return session;
    }

    private int Refuse(Ending ending, in Segment input)
    {
        opening.Refuse(ending);
        return input.Length;
    }
}
