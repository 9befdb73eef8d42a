using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Protocols.Http;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Protocols.Detection;

/// <summary>
/// A connection whose first bytes were an HTTP method, until its request's header has come: then it is a WebSocket, or somebody else serves it, or
/// it is answered.
/// </summary>
/// <param name="before">What it was before.</param>
internal sealed class HttpOpening(OpeningSession before) : IProtocol
{
    private int _seen;

    public long Deadline { get; private set; } = before.Deadline;

    private Connection Connection => before.Connection;

    private HttpServices Http => before.Detector.Http;

    private LoopServices Services => before.Detector.Shared;

    public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => HttpHead.MaxBytes;

    public int Consume(in Segment input)
    {
        int end = HttpHead.FindEnd(input.Span, _seen);
        _seen = input.Length;
        if (HttpHead.IsOther(input.Span))
        {
            return Answer(HttpAnswer.OtherProtocol, input);
        }

        if (end > HttpHead.MaxBytes || (end < 0 && input.Length >= HttpHead.MaxBytes))
        {
            return Answer(HttpAnswer.TooLarge, input);
        }

        if (end < 0)
        {
            return 0;
        }

        if (WebSocketUpgrade.IsFor(input.Span))
        {
            return Upgrade(input, end);
        }

        return Http.Server is null ? Answer(HttpAnswer.NotFound, input) : GiveAway(input);
    }

    public void OnDeadline()
    {
        Services.Limited.Met(LimitKind.Handshake, Connection.Peer, Connection.Loop);
        Refuse(Ending.TooSlow("the header of an HTTP request", Services.Limits.User.HandshakeTimeout));
    }

    public void Resumed()
    {
    }

    public void End(CloseReason reason) => Refuse(reason == CloseReason.ShuttingDown ? Ending.ShuttingDown : Ending.OutOfMemory);

    public void Closed(CloseReason reason) => Services.Leave(null, Connection);

    /// <summary>Answers a request and closes; nothing was sent before.</summary>
    private int Answer(HttpAnswer answer, in Segment input, CloseReason reason = CloseReason.Unsupported)
    {
        Connection.SendLast(answer.ToBytes(input.Length > 0 && input.Span.StartsWith("HEAD "u8)));
        Connection.Close(reason);
        return input.Length;
    }

    private void Refuse(Ending ending) => Answer(HttpAnswer.Of(ending), default, ending.Reason);

    private int GiveAway(in Segment input)
    {
        if (before.Refusal is { } refusal)
        {
            return Answer(HttpAnswer.Of(refusal), input, refusal.Reason);
        }

        if (!Http.Quota.TryTake())
        {
            Services.Limited.Met(LimitKind.HttpConnections, Connection.Peer, Connection.Loop);
            var full = Ending.OfHttp(Http.Quota.Max);
            return Answer(HttpAnswer.Of(full), input, full.Reason);
        }

        return HttpTunnel.Begin(Services, Connection, Http, input);
    }

    private int Upgrade(in Segment input, int end)
    {
        if (WebSocketUpgrade.Check(input.Span[..end], Http.Policy, out var head, out byte[] accepted) is { } answer)
        {
            return Answer(answer, input);
        }

        var refusal = Http.Identify(Connection, head) ?? before.Refusal;
        var layer = new WebSocketLayer(Connection.Layer, accepted);
        Connection.Layer = layer;
        Connection.Flush(Connection.Loop, scheduled: false);
        var inside = OpeningSession.InWebSocket(before.Detector, Connection, refusal, before.Order);
        Connection.Handler = inside;

        // What came behind the request is the layer's. It stays where it ends, so that what is left of it is in front of what comes.
        var rest = input.Span[end..];
        int payload = layer.Unwrap(rest);
        rest[..payload].CopyTo(rest[^payload..]);
        if (layer.IsOver)
        {
            Connection.Input.NoteReady(isEnd: false);
            Connection.Post(ConnectionWork.Receive);
        }

        return input.Length - payload + inside.Consume(new(input.Block, input.End - payload, payload));
    }
}
