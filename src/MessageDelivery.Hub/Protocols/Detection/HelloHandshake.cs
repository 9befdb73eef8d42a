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
internal sealed class HelloHandshake(OpeningSession opening) : ISessionClaimant
{
    private SignIn? _signIn;
    private SignedIn? _signedIn;
    private HelloFlags _flags;
    private SessionKey _key;
    private ulong _total;
    private bool _isResumable;

    private Connection Connection => opening.Connection;

    private LoopServices Services => opening.Detector.Shared;

    private SignIn SignIn => _signIn ??= new(Services, Connection, OnSignedIn, opening.Refuse);

    /// <summary>Whoever resumes frees memory, and is let in where there is none for others.</summary>
    private bool MayResume => opening.Refusal is null || opening.Refusal == Ending.Overloaded;

    /// <summary>
    /// Looks at a HELLO, of which at least a byte has come; returns how many bytes it is done with. For one that neither resumes nor shows a
    /// token, as most are, nothing is kept.
    /// </summary>
    public static int Consume(OpeningSession opening, in Segment input)
    {
        if (!HelloCheck.TryRead(input.Span, out var header, out var hello, out var wrong))
        {
            return wrong is null ? 0 : Refuse(opening, wrong, input);
        }

        int frameBytes = ProtocolLimits.HeaderBytes + (int)header.Length;
        var flags = (HelloFlags)header.Flags;
        if (flags.HasFlag(HelloFlags.Resume) && opening.Hello.TryResume(flags, hello))
        {
            return frameBytes;
        }

        if (opening.Refusal is { } refusal)
        {
            return Refuse(opening, refusal, input);
        }

        if (opening.Detector.Shared.Authentication.IsDemanded)
        {
            opening.Hello.ShowToken(flags, hello.Token);
            return opening.Connection.IsOpen ? frameBytes : input.Length;
        }

        var session = BeginSession(opening, flags != HelloFlags.None, signedIn: null);
        return frameBytes + session.Consume(new(input.Block, input.Offset + frameBytes, input.Length - frameBytes));
    }

    /// <summary>If the client tells the key of a session, asks for that, once its token is verified where the hub demands that.</summary>
    public bool TryResume(HelloFlags flags, in HelloPayload hello)
    {
        if (!flags.HasFlag(HelloFlags.Resume) || !MayResume || !opening.User.TryBeginHello())
        {
            return false;
        }

        _key = new(hello.SessionKey);
        _total = hello.FramesReceived;
        if (!Services.Authentication.IsDemanded)
        {
            return TryTakeOver();
        }

        if (Services.Sessions.Find(_key) is null)
        {
            return false;
        }

        ShowToken(flags, hello.Token);
        return true;
    }

    /// <summary>Nobody waits for the token any more.</summary>
    public void Withdraw() => _signIn?.Withdraw();

    /// <summary>The session that the client wanted cannot be had: it gets a new one, or none if it asked for what was never sent.</summary>
    public void Refused(ReplayStatus check, bool replaces)
    {
        if (!Connection.IsOpen)
        {
            return;
        }

        if (check == ReplayStatus.NeverSent)
        {
            opening.Refuse(Ending.ProtocolError("the total of frames received is larger than what was sent"));
        }
        else if (TryCount(replaces))
        {
            BeginSession(opening, _isResumable || _flags != HelloFlags.None, _signedIn);
            Connection.Resume();
        }
    }

    public void Outdated()
    {
        if (Connection.IsOpen)
        {
            opening.Refuse(Ending.TakenOver);
        }
    }

    public void Resume(ResumableSession session, TakeOver takeOver)
    {
        if (!Connection.IsOpen || !TryCount(takeOver.Replaces))
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
                opening.User.LeaveIfJoined();
                Connection.Protocol = Connection.Layer.UserProtocol ?? "binary";
                if (_signedIn is not null)
                {
                    Services.Renew(session.User, _signedIn, Connection);
                }

                Connection.Handler = new BinarySession(opening.Detector.Binary, Connection, session.User, session);
                Connection.Resume();
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
        if (Services.Sessions.Find(_key) is not { } session)
        {
            return false;
        }

        _isResumable = true;
        opening.Deadline = long.MaxValue;
        Connection.Pause();
        session.RequestTakeOver(new(opening.Detector.Binary, Connection, this, opening.Order, _key, _total, _signedIn?.Identity));
        return true;
    }

    private void ShowToken(HelloFlags flags, ReadOnlySpan<byte> token)
    {
        _flags = flags;
        if (token.IsEmpty)
        {
            SignIn.Refuse(Ending.NoToken);
            return;
        }

        opening.Deadline = Services.Limits.AuthenticationDue(Connection.OpenedAt);
        SignIn.Begin(token);
    }

    private void OnSignedIn(SignedIn signedIn)
    {
        _signedIn = signedIn;
        if (_flags.HasFlag(HelloFlags.Resume) && MayResume && TryTakeOver())
        {
            return;
        }

        if (opening.Refusal is not null)
        {
            opening.Refuse(opening.Refusal);
        }
        else if (TryCount(replaces: false))
        {
            BeginSession(opening, _isResumable || _flags != HelloFlags.None, _signedIn);
            Connection.Resume();
        }
    }

    private bool TryCount(bool replaces) => _signedIn is null || SignIn.TryCount(_signedIn.Identity, replaces);

    private static BinarySession BeginSession(OpeningSession opening, bool isResumable, SignedIn? signedIn)
    {
        var services = opening.Detector.Binary;
        var sessions = services.Shared.Sessions;
        var connection = opening.Connection;
        var user = opening.User.Join(connection.Layer.UserProtocol ?? "binary", signedIn);
        var resumable = isResumable && sessions.Term.WindowMilliseconds > 0
            ? new ResumableSession(sessions, services, user, connection, opening.Order)
            : null;
        var session = new BinarySession(services, connection, user, resumable);
        Span<byte> welcome = stackalloc byte[BinaryReplies.WelcomeBytes];
        int length = BinaryReplies.WriteWelcome(welcome, user.Id, services.Shared.Limits, connection, resumable, WelcomeFlags.None);
        opening.User.HandTo((IReceiver?)resumable ?? session, welcome[..length]);
        connection.Handler = session;
        return session;
    }

    private static int Refuse(OpeningSession opening, Ending ending, in Segment input)
    {
        opening.Refuse(ending);
        return input.Length;
    }
}
