using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>
/// Consecutive plain relays of one sender to the same receivers, routed as one delivery. To one receiver they are rewritten
/// where they stand, and touch: a run is one piece of memory. To several, small ones are copied together once, and all
/// receivers share that copy.
/// </summary>
internal sealed class RelayRun(ConnectionHost host, Delivery delivery, Router router)
{
    /// <summary>
    /// Deliveries up to this size are copied into a run for several receivers. Measured: below it one shared piece of memory
    /// costs a third of a vector for each relay and receiver; from 8 KiB on there is no difference. See docs/adr/0003.
    /// </summary>
    private const int MaxCopiedBytes = 4 << 10;

    // A queue takes one more relay while it is below its limit; taking a whole run must not go far beyond that.
    private readonly long _maxBytes = Math.Min(BlockSizes.LargeBytes, Math.Max(1, host.Settings.QueueLimitBytes / 4));

    private ulong _senderId;
    private ulong _onlyId;
    private Segment _ids;
    private Segment _frames;
    private int _relays;
    private long _bodyBytes;
    private bool _copied;

    public bool IsEmpty => _relays == 0;

    /// <summary>Relays that it has.</summary>
    public int Relays => _relays;

    /// <summary>Bytes of their frames as they came.</summary>
    public long ReceivedBytes => _bodyBytes + ((long)_relays * (ProtocolLimits.HeaderBytes + _ids.Length));

    /// <summary>Begins a run with a whole frame. The run must be empty.</summary>
    public void Begin(ulong senderId, in Segment frame, in RelayLayout layout)
    {
        _senderId = senderId;
        _ids = Ids(frame, layout);
        _onlyId = MemoryMarshal.Read<ulong>(_ids.Span);
        _frames = DeliveryPart(frame, layout);
        _relays = 1;
        _bodyBytes = layout.BodyBytes;
        _copied = false;
        if (layout.ReceiverCount == 1)
        {
            new DeliveryHeader(senderId, layout.BodyBytes).Write(_frames.Span);
        }
    }

    /// <summary>Takes a whole frame into the run, if it is for the same receivers and there is room.</summary>
    public bool TryExtend(in Segment frame, in RelayLayout layout)
    {
        if (_relays == 0 || layout.ReceiverCount * sizeof(ulong) != _ids.Length)
        {
            return false;
        }

        var part = DeliveryPart(frame, layout);
        var ids = Ids(frame, layout).Span;
        if (_frames.Length + part.Length > _maxBytes)
        {
            return false;
        }

        if (layout.ReceiverCount == 1)
        {
            if (!_frames.Touches(part) || MemoryMarshal.Read<ulong>(ids) != _onlyId)
            {
                return false;
            }

            new DeliveryHeader(_senderId, layout.BodyBytes).Write(part.Span);
            _frames = _frames with { Length = _frames.Length + part.Length };
        }
        else if (!ids.SequenceEqual(_ids.Span) || !TryCopy(part, layout))
        {
            return false;
        }

        _relays++;
        _bodyBytes += layout.BodyBytes;
        return true;
    }

    /// <summary>Routes the run, if there is one. True if the sender need not wait.</summary>
    public bool Commit(PendingRelay relay)
    {
        if (_relays == 0)
        {
            return true;
        }

        int receivers = _ids.Length / sizeof(ulong);
        var to = relay.Begin(receivers);
        if (receivers == 1)
        {
            to[0] = _onlyId;
        }
        else
        {
            _ids.Span.CopyTo(MemoryMarshal.AsBytes(to));
            if (!_copied)
            {
                WriteHeader(_frames.Span, (int)_bodyBytes);
            }
        }

        delivery.Begin(_senderId, _relays, _bodyBytes);
        delivery.Frames.Add(_frames);
        _relays = 0;
        _ids = default;
        _frames = default;
        return router.Route(delivery, relay, mayWait: true);
    }

    /// <summary>Forgets a run that a failure left behind.</summary>
    public void Discard() => _relays = 0;

    private static Segment Ids(in Segment frame, in RelayLayout layout) =>
        new(frame.Block, frame.Offset + layout.ReceiversOffset, layout.ReceiverCount * sizeof(ulong));

    private static Segment DeliveryPart(in Segment frame, in RelayLayout layout)
    {
        int head = layout.BodyOffset - ProtocolLimits.DeliveryHeaderBytes;
        return new(frame.Block, frame.Offset + head, frame.Length - head);
    }

    private void WriteHeader(Span<byte> frame, int bodyBytes) => new DeliveryHeader(_senderId, bodyBytes).Write(frame);

    private bool TryCopy(in Segment part, in RelayLayout layout)
    {
        if (part.Length > MaxCopiedBytes)
        {
            return false;
        }

        var buffer = host.Loop.CopyBuffer;
        if (!_copied)
        {
            if (_frames.Length > MaxCopiedBytes)
            {
                return false;
            }

            // The run begins anew as a copy. The ids that its first frame left in place are still what it compares with.
            buffer.Reserve(_frames.Length + part.Length);
            var first = _frames;
            _frames = new(buffer.Block, buffer.Tail, 0);
            _copied = true;
            Copy(first, (int)_bodyBytes);
        }
        else if (buffer.Room < part.Length)
        {
            return false;
        }

        Copy(part, layout.BodyBytes);
        return true;
    }

    private void Copy(in Segment part, int bodyBytes)
    {
        var copy = new Segment(_frames.Block, _frames.End, part.Length);
        part.Span.CopyTo(copy.Span);
        WriteHeader(copy.Span, bodyBytes);
        host.Loop.CopyBuffer.Commit(part.Length);
        _frames = _frames with { Length = _frames.Length + part.Length };
    }
}
