using System.Buffers;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>The relay that a text user is at: its body as it comes, and what became of it.</summary>
internal sealed class TextRelay(LoopServices services, Connection connection)
{
    // People take their time over what they type; what nobody types has to go on.
    private const int MinWatchedBytes = 16 << 10;

    private readonly SegmentWriter _body = new(connection.Loop.Pool);
    private bool _isRouted;
    private int _bodies;

    /// <summary>The receivers, and the outcome for each.</summary>
    public PendingRelay Pending { get; } = new(connection) { LeavesOutFull = services.Limits.LeavesOutFull(identity: null) };

    /// <summary>What may end the body.</summary>
    public BodyPause Pause { get; } = new(connection);

    /// <summary>Bytes kept of the body, with room for a delivery's header in front.</summary>
    public int KeptBytes => (int)_body.Bytes;

    /// <summary>Bytes of the body.</summary>
    public int BodyBytes => KeptBytes - ProtocolLimits.DeliveryHeaderBytes;

    /// <summary>A body begins.</summary>
    public void Begin()
    {
        _body.Clear();
        _bodies++;
        Span<byte> header = stackalloc byte[ProtocolLimits.DeliveryHeaderBytes];
        header.Clear();
        _body.Write(header);
    }

    public void Write(ReadOnlySpan<byte> part) => _body.Write(part);

    public void Clear() => _body.Clear();

    /// <summary>Sees that a long body that is unfinished goes on.</summary>
    public void WatchProgress(SessionPace pace)
    {
        if (KeptBytes <= MinWatchedBytes)
        {
            pace.EndProgress();
        }
        else
        {
            pace.WatchProgress(_bodies);
        }
    }

    /// <summary>Routes the body. False if the sender has to wait.</summary>
    /// <param name="afterPause">Whether a pause has ended it.</param>
    public bool Route(ulong senderId, ReadOnlySpan<ulong> receivers, bool afterPause)
    {
        receivers.CopyTo(Pending.Begin(receivers.Length));
        new DeliveryHeader(senderId, BodyBytes).Write(_body.Segments.Items[0].Span);
        var delivery = services.Delivery;
        delivery.Begin(senderId, 1, BodyBytes);
        foreach (ref readonly var part in _body.Segments.Items)
        {
            delivery.Frames.Add(part);
        }

        _isRouted = true;
        Pause.Relays(afterPause);
        bool isDone = services.Router.Route(delivery, Pending, mayWait: true);
        _body.Clear();
        return isDone;
    }

    /// <summary>Tells the sender what became of it, once that is known.</summary>
    public void ReportIfDone(bool verbose)
    {
        if (!_isRouted || !Pending.IsDone)
        {
            return;
        }

        _isRouted = false;
        services.Router.Complete(Pending);
        var lines = services.Lines;
        if (Pause.TakeMustTell())
        {
            lines.Write(ServerLines.SentAfterPause);
        }

        ServerLines.NotDelivered(lines, Pending.Receivers, Pending.Outcomes);
        if (verbose)
        {
            ServerLines.RelayedTo(lines, Pending.Receivers, Pending.Outcomes);
        }

        connection.SendLines(lines);
    }
}
