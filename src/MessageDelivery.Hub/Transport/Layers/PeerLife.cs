using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// Whether a peer to which something was sent is still there. While data is unacknowledged the kernel sends no keepalive probes
/// (<see cref="KeepAlive"/>), and retransmits for a quarter of an hour. TCP_USER_TIMEOUT would end that, and also peers that are there
/// and do not read: those answer when the kernel asks whether they have room again. So what counts here is answers of any kind (tcp(7), TCP_INFO).
/// </summary>
internal unsafe struct PeerLife
{
    // Between two answers of a peer that does not read the kernel waits for up to two minutes: time alone tells nothing.
    private const int MinUnanswered = 3;
    private const int InformationBytes = 60;
    private const int Retransmits = 2;
    private const int UnansweredProbes = 3;
    private const int LastDataReceived = 52;
    private const int LastAnswerReceived = 56;

    private bool _mayBeUnacknowledged;

    /// <summary>The kernel has taken something. The thread that sends.</summary>
    public void NoteSent()
    {
        if (!_mayBeUnacknowledged)
        {
            Volatile.Write(ref _mayBeUnacknowledged, true);
        }
    }

    /// <summary>
    /// Whether something is unacknowledged, the kernel has sent it or asked for room in vain three times, and nothing at all has come of the
    /// peer for so long. The loop's thread; other threads may send meanwhile.
    /// </summary>
    public bool HasVanished(int socket, long afterMilliseconds)
    {
        if (!_mayBeUnacknowledged)
        {
            return false;
        }

        // In this order: what is sent meanwhile is noted again.
        Volatile.Write(ref _mayBeUnacknowledged, false);
        if (StreamSocket.Unacknowledged(socket) == 0)
        {
            return false;
        }

        Volatile.Write(ref _mayBeUnacknowledged, true);
        byte* information = stackalloc byte[InformationBytes];
        uint length = InformationBytes;
        return Libc.GetSocketOption(socket, Libc.ProtocolTcp, Libc.TcpInformation, information, &length) == 0
            && length == InformationBytes
            && information[Retransmits] + information[UnansweredProbes] >= MinUnanswered
            && Math.Min(*(uint*)(information + LastDataReceived), *(uint*)(information + LastAnswerReceived)) >= afterMilliseconds;
    }
}
