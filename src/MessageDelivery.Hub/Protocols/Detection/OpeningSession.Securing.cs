using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Protocols.Text;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <content>TLS: after the handshake the first byte inside decides again (protocol, section 1).</content>
internal sealed partial class OpeningSession : ITlsOwner
{
    private const string InTheClearText = "this hub speaks TLS only, and this came in the clear";

    private bool _isShakingHands;
    private bool _isLeft;

    private bool MustBeSecured => _services.Tls is { IsRequired: true } && !_connection.Layer.IsEncrypted;

    void ITlsOwner.HandshakeRefused(bool forLoad)
    {
        _services.NoteHandshakeFailed(_connection, forLoad ? "too many handshakes wait already" : "what came was not TLS, or it broke off");
        _connection.Abort(forLoad ? CloseReason.Overloaded : CloseReason.ProtocolError);
    }

    void ITlsOwner.HandshakeFailed(string why)
    {
        _services.NoteHandshakeFailed(_connection, why);
        // Not cut: the alert that says what is wrong is to arrive.
        _connection.Close(CloseReason.ProtocolError);
    }

    void ITlsOwner.HandshakeDone(TlsLayer secured)
    {
        _connection.Layer = secured;
        if (_connection.Layer.PeerCertificate.Subject is { } subject)
        {
            _connection.Subject = subject;
            _services.Sessions.Audit.Authenticated(_connection);
        }

        var inside = new OpeningSession(_services, _connection, _refusal, _order);
        if (!_services.Admission.IsDemanded)
        {
            inside.Deadline = _connection.Loop.Now + SilenceMilliseconds;
        }

        _connection.Handler = inside;
        _connection.LayerIsReady();
    }

    private int ConsumeTls(in Segment input)
    {
        if (_connection.Layer.IsEncrypted)
        {
            _connection.SendTextError(ProtocolCode.Unsupported, "TLS inside of TLS");
            _connection.Close(CloseReason.Unsupported);
            return input.Length;
        }

        if (_services.Tls is not { } acceptor)
        {
            return CannotBe(FirstBytes.TlsAlert, "TLS", input);
        }

        lock (_queue.Gate)
        {
            // Whoever looks this user up from now on finds nobody, so that nothing is sent in the clear.
            _isLeft = _queue.IsUntouched;
        }

        if (!_isLeft)
        {
            return TooLate("TLS", input);
        }

        LeaveAsText();
        _user = null;
        _isShakingHands = true;
        var layer = acceptor.Create(_connection.Layer, _connection.Loop.Pool, this, () => _connection.Post(ConnectionWork.Layer));
        _connection.Layer = layer;
        layer.Begin(input.Span);
        return input.Length;
    }

    /// <summary>Whether it is told already that nothing will come of it: TLS is missing, or a certificate that holds.</summary>
    private bool IsUnwelcome(FirstBytesKind kind) => MustBeSecured
        ? kind != FirstBytesKind.Tls && (kind != FirstBytesKind.Undecided || _connection.Input.IsFinal)
        : _connection.Layer.PeerCertificate.Objection is not null;

    private int RefuseFirst(FirstBytesKind kind, in Segment input)
    {
        if (kind == FirstBytesKind.Http)
        {
            return CannotBe(FirstBytes.HttpResponse(input.Span), "HTTP", input);
        }

        _helloBegan = kind == FirstBytesKind.Hello;
        if (MustBeSecured)
        {
            Refuse(ProtocolCode.Unsupported, CloseReason.Unsupported, InTheClearText);
        }
        else
        {
            RefuseCertificate();
        }

        return input.Length;
    }

    private void RefuseCertificate()
    {
        var peer = _connection.Layer.PeerCertificate;
        _services.Admission.NoteRefused(_connection.Peer, peer.Subject is { } subject ? $"{peer.Objection} ({subject})" : peer.Objection!);
        Refuse(peer.IsShown ? ProtocolCode.AuthFailed : ProtocolCode.AuthRequired, CloseReason.CertificateRefused, peer.Objection!);
    }
}
