using MessageDelivery.Hub.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Sessions;

/// <summary>
/// A frame too large to wait for in one piece. Large pieces stay where they were received; small ones are copied together,
/// into blocks that grow with what has come: a declared length alone reserves nothing.
/// </summary>
internal sealed class FrameAssembly(BlockPool pool)
{
    private readonly SegmentList _parts = new();
    private Block? _tail;
    private int _tailUsed;
    private int _bytes;

    public FrameHeader Header { get; private set; }

    public RelayLayout Layout { get; private set; }

    /// <summary>Bytes still to come.</summary>
    public int Missing => ProtocolLimits.HeaderBytes + (int)Header.Length - _bytes;

    public int Bytes => _bytes;

    /// <summary>The frame as far as it has come. The first part holds at least everything before a relay's body.</summary>
    public SegmentList Parts => _parts;

    public void Begin(in FrameHeader header, in RelayLayout layout)
    {
        Header = header;
        Layout = layout;
    }

    /// <summary>Takes the next piece, which must not be more than is missing.</summary>
    public void Add(in Segment piece)
    {
        _bytes += piece.Length;
        if (_parts.TryExtendLast(piece))
        {
            return;
        }

        if (piece.Length >= BlockSizes.MediumBytes)
        {
            piece.Block.Retain();
            _parts.Add(piece);
            return;
        }

        var rest = piece.Span;
        while (!rest.IsEmpty)
        {
            if (_tail is null || _tailUsed == _tail.Capacity)
            {
                _tail?.Release();
                _tail = pool.Rent(BlockSizes.For(Math.Max(_bytes, rest.Length)));
                _tailUsed = 0;
            }

            var copy = new Segment(_tail, _tailUsed, Math.Min(rest.Length, _tail.Capacity - _tailUsed));
            rest[..copy.Length].CopyTo(copy.Span);
            rest = rest[copy.Length..];
            _tailUsed += copy.Length;
            if (!_parts.TryExtendLast(copy))
            {
                _tail.Retain();
                _parts.Add(copy);
            }
        }
    }

    /// <summary>Lets go of everything.</summary>
    public void End()
    {
        _parts.ReleaseAll();
        _tail?.Release();
        _tail = null;
        _tailUsed = 0;
        _bytes = 0;
        Header = default;
    }
}
