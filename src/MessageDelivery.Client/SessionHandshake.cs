using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// What HELLO asks for and WELCOME grants: the id, the limits, and the key with which the session is resumed. Used under the session's
/// lock.
/// </summary>
internal sealed class SessionHandshake(HubClientOptions options, ReplayBuffer frames, Acknowledgements acknowledgements)
{
    // Null where the session cannot be resumed.
    private byte[]? _key;
    private TimeSpan _window;

    /// <summary>The id and the limits; those of the last connection while there is none.</summary>
    public WelcomePayload Welcome { get; private set; } = new(0, ProtocolLimits.MaxBodyBytes, ProtocolLimits.MaxReceivers, 0);

    /// <summary>Whether there is a session that can be resumed.</summary>
    public bool CanResume => _key is not null;

    /// <summary>For how long after the loss of a connection it may be resumed. The hub may have noticed the loss later, by up to its heartbeat timeout.</summary>
    public TimeSpan? ResumeWindow => _key is null ? null : _window + TimeSpan.FromSeconds(2 * Welcome.HeartbeatSeconds);

    private bool AsksForResume => options.Resume && options.Reconnect is not null;

    /// <summary>Whether it can be resumed after a connection ended for a reason. After other codes the hub has ended the session, too.</summary>
    public bool CanResumeAfter(HubConnectionException reason) => CanResume
        && reason.Code is null or ProtocolCode.ShuttingDown or ProtocolCode.HeartbeatTimeout or ProtocolCode.SlowConsumer;

    /// <summary>The session will not be resumed.</summary>
    public void GiveUp() => _key = null;

    /// <summary>The HELLO of the next connection, which resumes the session if that is possible.</summary>
    /// <param name="link">The connection.</param>
    /// <param name="token">The token; empty for none.</param>
    public byte[] CreateHello(SessionLink link, string token)
    {
        link.FramesTold = acknowledgements.Total;
        var flags = !AsksForResume ? HelloFlags.None : _key is null ? HelloFlags.Resumable : HelloFlags.Resumable | HelloFlags.Resume;
        var hello = new HelloPayload { SessionKey = _key, FramesReceived = link.FramesTold, Token = Encoding.UTF8.GetBytes(token) };
        byte[] frame = new byte[ProtocolLimits.HeaderBytes + hello.Length];
        new FrameHeader(FrameType.Hello, (byte)flags, ProtocolLimits.Version, (uint)hello.Length).Write(frame);
        hello.Write(frame.AsSpan(ProtocolLimits.HeaderBytes));
        return frame;
    }

    /// <summary>Reads a WELCOME; false if this client does not understand it.</summary>
    public static bool TryRead(in Frame frame, out WelcomeFlags flags, out WelcomePayload payload, out SessionTerms terms)
    {
        flags = (WelcomeFlags)frame.Header.Flags;
        terms = default;
        return WelcomePayload.TryRead(frame.Payload, out payload) && frame.Header.Argument == ProtocolLimits.Version
            && payload.UserId is not (0 or >= ProtocolLimits.MaxUserIdExclusive)
            && (!flags.HasFlag(WelcomeFlags.Resumable) || SessionTerms.TryRead(frame.Payload, out terms));
    }

    /// <summary>The session resumes. Returns what is wrong with the WELCOME, or null.</summary>
    public HubConnectionException? Resume(SessionLink link, WelcomeFlags flags, WelcomePayload payload, SessionTerms terms)
    {
        if (_key is null || !flags.HasFlag(WelcomeFlags.Resumable) || payload.UserId != Welcome.UserId)
        {
            return ProtocolViolation.Sent($"a WELCOME that resumes a session of user {payload.UserId}, which nobody asked for");
        }

        if (frames.RelayAt(terms.RelaysProcessed) is not { } relay || !frames.TryRewind(relay))
        {
            return ProtocolViolation.Sent($"a WELCOME with {terms.RelaysProcessed} relays processed, which is not between what it had acknowledged and what was sent");
        }

        acknowledgements.Resume(link.FramesTold);
        Grant(payload, terms);
        return null;
    }

    /// <summary>Another session begins.</summary>
    public void Begin(WelcomeFlags flags, WelcomePayload payload, SessionTerms terms)
    {
        frames.Clear();
        acknowledgements.Clear();
        frames.Retains = AsksForResume && flags.HasFlag(WelcomeFlags.Resumable);
        Grant(payload, terms);
    }

    private void Grant(WelcomePayload payload, SessionTerms terms)
    {
        _key = frames.Retains ? terms.Key.ToArray() : null;
        _window = TimeSpan.FromSeconds(terms.WindowSeconds);
        Welcome = payload with
        {
            MaxBodyBytes = Math.Min(payload.MaxBodyBytes, ProtocolLimits.MaxBodyBytes),
            MaxReceivers = Math.Min(payload.MaxReceivers, (ushort)ProtocolLimits.MaxReceivers),
        };
    }
}
