using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>
/// What a session keeps of its requests, once there is one that leaves anything: most connections of a hub only listen. What outlives the
/// connection is in the session that can be resumed, if there is one.
/// </summary>
internal sealed class RequestState
{
    /// <summary>The relay it is at.</summary>
    public PendingRelay? Relay { get; set; }

    /// <summary>Relays that are not confirmed.</summary>
    public UnconfirmedRelays? Unconfirmed { get; set; }

    public BinaryWatcher? Watcher { get; set; }

    public SessionPace? Pace { get; set; }

    /// <summary>Where a frame is put together that came in pieces.</summary>
    public FrameAssembly? Assembly { get; set; }

    /// <summary>The frame that is being skipped.</summary>
    public RefusedFrame? Refused { get; set; }

    public bool IsBetweenFrames => Refused is null && Assembly is not { IsUnderWay: true };

    /// <summary>Bytes kept of a frame that has not wholly come.</summary>
    public int UnfinishedBytes => Assembly?.Bytes ?? 0;

    /// <summary>Bytes that are missing of the frame under way; 0 between frames.</summary>
    public int Missing => Refused?.Missing ?? (Assembly is { IsUnderWay: true } ? Assembly.Missing : 0);
}

/// <summary>A frame that is skipped, and the error that answers it.</summary>
/// <param name="RelayBytes">If it is a relay, its bytes: it counts as processed.</param>
internal sealed record RefusedFrame(ProtocolCode Code, string Text, ulong? Correlation, int RelayBytes)
{
    public int Missing { get; set; }
}
