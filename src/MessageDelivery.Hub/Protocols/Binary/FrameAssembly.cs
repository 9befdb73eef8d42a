using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>
/// A frame too large to wait for in one piece. Large pieces stay where they were received; small ones are copied together,
/// into blocks that grow with what has come: a declared length alone reserves nothing. While memory is scarce all are copied,
/// so that no piece keeps the whole block in use that it came in.
/// </summary>
internal sealed class FrameAssembly(BlockPool pool)
{
    private readonly SegmentWriter _frame = new(pool);

    public FrameHeader Header { get; private set; }

    public RelayLayout Layout { get; private set; }

    /// <summary>Whether a frame has begun.</summary>
    public bool IsUnderWay => _frame.Bytes > 0;

    public int Bytes => (int)_frame.Bytes;

    /// <summary>Bytes still to come.</summary>
    public int Missing => ProtocolLimits.HeaderBytes + (int)Header.Length - Bytes;

    /// <summary>The frame as far as it has come. The first part holds at least everything before a relay's body.</summary>
    public ReadOnlySpan<Segment> Parts => _frame.Segments.Items;

    /// <summary>Begins with what has come, which for a relay is at least everything before its body.</summary>
    public void Begin(in FrameHeader header, in RelayLayout layout, in Segment piece)
    {
        Header = header;
        Layout = layout;
        Add(piece);
    }

    /// <summary>Takes the next piece, which must not be more than is missing.</summary>
    public void Add(in Segment piece)
    {
        if (piece.Length >= BlockSizes.MediumBytes && !pool.IsScarce)
        {
            _frame.Share(piece);
        }
        else
        {
            _frame.Write(piece.Span);
        }
    }

    /// <summary>Lets go of everything.</summary>
    public void End() => _frame.Clear();
}
