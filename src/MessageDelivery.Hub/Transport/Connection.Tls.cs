using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// Encryption, once the first bytes have asked for it. What lies encrypted in the kernel tells nothing of itself: where a plain connection
/// looks there before it receives, an encrypted one goes by the most that may come.
/// </summary>
internal sealed partial class Connection
{
    private TlsLayer? _tls;
    private TlsAcceptor? _tlsAcceptor;
    private Action? _secured;

    /// <summary>Whether it speaks TLS, or has begun to.</summary>
    public bool IsEncrypted => _tls is not null;

    /// <summary>The subject of the certificate that the peer has shown and that was checked; null if it has shown none.</summary>
    public string? PeerSubject => PeerCertificate.Subject;

    /// <summary>What the peer has shown in TLS, and why it is not to be let in.</summary>
    public PeerCertificate PeerCertificate { get; private set; }

    private bool IsShakingHands => _tls is { IsEstablished: false };

    /// <summary>
    /// Begins the handshake, of which these bytes have come. When it is done <paramref name="secured"/> is called; until then the
    /// protocol gets nothing and sends nothing. Nothing must have been queued.
    /// </summary>
    public void BeginTls(TlsAcceptor acceptor, ReadOnlySpan<byte> begun, Action secured)
    {
        _secured = secured;
        _tlsAcceptor = acceptor;
        _tls = new(Loop.Pool, acceptor.Begin(() => Loop.Post(this, LoopWork.Tls)));
        if (!_tls.TryTakeHandshake(begun, out bool isRefused))
        {
            RefuseHandshake(isRefused);
        }
    }

    private void ReceiveHandshake()
    {
        bool isUnderWay = _tls!.TryReceiveHandshake(_socket, Loop.Counters, out bool isRefused);
        _readable = _inputEnds = false;
        if (!isUnderWay)
        {
            RefuseHandshake(isRefused);
        }
    }

    private void RefuseHandshake(bool forLoad)
    {
        _tlsAcceptor!.Failed(this, forLoad
            ? "too many handshakes wait already" : "what came was not TLS, or it broke off");
        Abort(forLoad ? CloseReason.Overloaded : CloseReason.ProtocolError);
    }

    /// <summary>Sends what the handshake has to say, and goes on when it is done.</summary>
    private void AttendHandshake()
    {
        if (!IsShakingHands || _phase == Phase.Closed)
        {
            return;
        }

        var handshake = _tls!.Handshake;
        var outcome = handshake.Outcome;
        _life.NoteSent();
        if (!_tls.TrySendRaw(_socket, handshake.TakeOutput(), Loop.Counters))
        {
            PeerIsGone();
            return;
        }

        if (_phase != Phase.Open || outcome == TlsOutcome.UnderWay || _tls.HasUnsent)
        {
            if (_phase == Phase.Open && outcome == TlsOutcome.UnderWay)
            {
                // It may have waited for room.
                ReceiveHandshake();
            }

            return;
        }

        if (outcome == TlsOutcome.Failed)
        {
            _tlsAcceptor!.Failed(this, handshake.Failure);
            // Not cut: the alert that says what is wrong is to arrive.
            Close(CloseReason.ProtocolError);
            return;
        }

        PeerCertificate = handshake.Peer;
        _tls.Establish();
        _secured!();
        _readable = true;
        if (Outbound.Unblock())
        {
            Flush(Loop, scheduled: false);
        }

        Receive();
    }

    /// <summary>The kernel has room for what waits beside the queue.</summary>
    private void WriteReady()
    {
        if (IsShakingHands)
        {
            AttendHandshake();
        }
        else if (_phase == Phase.Draining && _tls!.IsSayingGoodbye)
        {
            Linger();
        }
    }

    private long ReceiveInto(Block block, int offset, int room, out bool more)
    {
        if (_tls is not null)
        {
            return _tls.Receive(_socket, block, offset, room, Loop.Counters, out more);
        }

        long received = StreamSocket.Receive(_socket, block, offset, room);
        Loop.Counters.BytesReceived += Math.Max(received, 0);
        // A short read has emptied the socket (epoll(7)), unless its end is behind the bytes.
        more = received == room;
        return received;
    }
}
