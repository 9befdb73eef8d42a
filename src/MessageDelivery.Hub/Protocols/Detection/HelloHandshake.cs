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
internal sealed class HelloHandshake : ISessionClaimant
{
    private readonly Detector _detector;
    private readonly LoopServices _services;
    private readonly OpeningSession _opening;
    private readonly UndecidedUser _user;
    private readonly Connection _connection;
    private readonly Ending? _refusal;
    private readonly long _order;
    private readonly SignIn _signIn;
    private SignedIn? _signedIn;
    private HelloFlags _flags;
    private SessionKey _key;
    private ulong _total;
    private bool _isResumable;

    public HelloHandshake(Detector detector, OpeningSession opening, UndecidedUser user, Connection connection, Ending? refusal, long order)
    {
        _detector = detector;
        _services = detector.Shared;
        _opening = opening;
        _user = user;
        _connection = connection;
        _refusal = refusal;
        _order = order;
        _signIn = new(_services, connection, OnSignedIn, opening.Refuse);
    }

    /// <summary>Whoever resumes frees memory, and is let in where there is none for others.</summary>
    private bool MayResume => _refusal is null || _refusal == Ending.Overloaded;

    /// <summary>Looks at a HELLO, of which at least a byte has come; returns how many bytes it is done with.</summary>
    public int Consume(in Segment input)
    {
        if (!HelloCheck.TryRead(input.Span, out var header, out var hello, out var refusal))
        {
            return refusal is null ? 0 : Refuse(refusal, input);
        }

        int frameBytes = ProtocolLimits.HeaderBytes + (int)header.Length;
        if (TryResume((HelloFlags)header.Flags, hello))
        {
            return frameBytes;
        }

        if (_refusal is not null)
        {
            return Refuse(_refusal, input);
        }

        if (_services.Authentication.IsDemanded)
        {
            ShowToken(hello.Token);
            return _connection.IsOpen ? frameBytes : input.Length;
        }

        var session = BeginSession();
        return frameBytes + session.Consume(new(input.Block, input.Offset + frameBytes, input.Length - frameBytes));
    }

    /// <summary>If the client tells the key of a session, asks for that, once its token is verified where the hub demands that.</summary>
    public bool TryResume(HelloFlags flags, in HelloPayload hello)
    {
        _flags = flags;
        if (!flags.HasFlag(HelloFlags.Resume) || !MayResume || !_user.TryBeginHello())
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
    public void Withdraw() => _signIn.Withdraw();

    /// <summary>The session that the client wanted cannot be had: it gets a new one, or none if it asked for what was never sent.</summary>
    public void Refused(TotalCheck check, bool replaces)
    {
        if (!_connection.IsOpen)
        {
            return;
        }

        if (check == TotalCheck.NeverSent)
        {
            _opening.Refuse(Ending.ProtocolError("the total of frames received is larger than what was sent"));
        }
        else if (TryCount(replaces))
        {
            BeginSession();
            _connection.Resume();
        }
    }

    /// <inheritdoc/>
    public void Outdated()
    {
        if (_connection.IsOpen)
        {
            _opening.Refuse(Ending.TakenOver);
        }
    }

    /// <inheritdoc/>
    public void Resume(ResumableSession session, TakeOver takeOver)
    {
        if (!_connection.IsOpen || !TryCount(takeOver.Replaces))
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
                _user.LeaveIfJoined();
                _connection.Protocol = "binary";
                if (_signedIn is not null)
                {
                    _services.Renew(session.User, _signedIn, _connection);
                }

                _connection.Handler = new BinarySession(_detector.Binary, _connection, session.User, session);
                _connection.Resume();
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
        _opening.Deadline = long.MaxValue;
        _connection.Pause();
        session.RequestTakeOver(new(_detector.Binary, _connection, this, _order, _key, _total, _signedIn?.Identity));
        return true;
    }

    private void ShowToken(ReadOnlySpan<byte> token)
    {
        if (token.IsEmpty)
        {
            _signIn.Refuse(Ending.NoToken);
            return;
        }

        _opening.Deadline = _services.Limits.AuthenticationDue(_connection.OpenedAt);
        _signIn.Begin(token);
    }

    private void OnSignedIn(SignedIn signedIn)
    {
        _signedIn = signedIn;
        if (_flags.HasFlag(HelloFlags.Resume) && MayResume && TryTakeOver())
        {
            return;
        }

        if (_refusal is not null)
        {
            _opening.Refuse(_refusal);
        }
        else if (TryCount(replaces: false))
        {
            BeginSession();
            _connection.Resume();
        }
    }

    private bool TryCount(bool replaces) => _signedIn is null || _signIn.TryCount(_signedIn.Identity, replaces);

    private BinarySession BeginSession()
    {
        _isResumable |= _flags != HelloFlags.None && _services.Sessions.Term.WindowMilliseconds > 0;
        var user = _user.Join("binary", _signedIn);
        var resumable = _isResumable ? new ResumableSession(_services.Sessions, _detector.Binary, user, _connection, _order) : null;
        var session = new BinarySession(_detector.Binary, _connection, user, resumable);
        Span<byte> welcome = stackalloc byte[BinaryReplies.WelcomeBytes];
        int length = BinaryReplies.WriteWelcome(welcome, user.Id, _services.Limits, resumable, WelcomeFlags.None);
        _user.HandTo((IReceiver?)resumable ?? session, welcome[..length]);
        _connection.Handler = session;
        return session;
    }

    private int Refuse(Ending ending, in Segment input)
    {
        _opening.Refuse(ending);
        return input.Length;
    }
}
