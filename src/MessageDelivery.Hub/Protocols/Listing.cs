using System.Buffers;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols;

/// <summary>
/// Answers who else is there. Programs get the registry's own memory by reference, with headers between; people get it
/// written out. A loop has one.
/// </summary>
internal sealed class Listing(UserRegistry users, BlockPool pool)
{
    private const int MaxBytesPerFrame = ProtocolLimits.MaxIdsPerFrame * sizeof(ulong);

    private readonly SegmentList _ids = new();
    private readonly SegmentWriter _text = new(pool);

    /// <summary>Sends the ids without the asker's in frames of at most <see cref="ProtocolLimits.MaxIdsPerFrame"/>.</summary>
    /// <param name="rights">What the asker may not do: it is shown only whom it reaches.</param>
    /// <returns>The position of this list among the events that are kept for watchers.</returns>
    public long SendFrames(Connection connection, ulong asker, Rights? rights = null)
    {
        try
        {
            long position = users.List(_ids, without: asker, rights);
            // In one step: a delivery between its parts would be read as ids.
            lock (connection.Outbound.Gate)
            {
                SendParts(connection, Segment.TotalBytes(_ids.Items));
            }

            return position;
        }
        finally
        {
            _ids.ReleaseAll();
        }
    }

    /// <summary>Sends the ids without the asker's as a line.</summary>
    /// <param name="rights">What the asker may not do: it is shown only whom it reaches.</param>
    /// <param name="room">Where parts of the line are written before they are sent; empty, and again afterwards.</param>
    public void SendLine(Connection connection, ulong asker, ArrayBufferWriter<byte> room, Rights? rights = null)
    {
        try
        {
            users.List(_ids, without: asker, rights);
            Write(room);
            SendText(connection);
        }
        finally
        {
            _ids.ReleaseAll();
            _text.Clear();
            room.ResetWrittenCount();
        }
    }

    private void SendParts(Connection connection, long left)
    {
        int inFrame = SendHeader(connection, ref left);
        foreach (ref readonly var page in _ids.Items)
        {
            for (var rest = page; rest.Length > 0;)
            {
                inFrame = inFrame > 0 ? inFrame : SendHeader(connection, ref left);
                var piece = rest with { Length = Math.Min(rest.Length, inFrame) };
                connection.Send(new ReadOnlySpan<Segment>(in piece));
                inFrame -= piece.Length;
                rest = new(rest.Block, piece.End, rest.Length - piece.Length);
            }
        }
    }

    /// <summary>Sends a frame's header and returns how many bytes of ids are to follow it.</summary>
    private static int SendHeader(Connection connection, ref long left)
    {
        int inFrame = (int)Math.Min(left, MaxBytesPerFrame);
        left -= inFrame;
        var flags = left > 0 ? ListReplyFlags.More : ListReplyFlags.None;
        Span<byte> header = stackalloc byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(FrameType.ListReply, (byte)flags, 0, (uint)inFrame).Write(header);
        connection.Send(header);
        return inFrame;
    }

    private void Write(ArrayBufferWriter<byte> room)
    {
        ServerLines.ListBegins(room);
        bool first = true;
        foreach (ref readonly var page in _ids.Items)
        {
            ServerLines.ListIds(room, MemoryMarshal.Cast<byte, ulong>(page.Span), first);
            first = false;
            _text.Write(room.WrittenSpan);
            room.ResetWrittenCount();
        }

        ServerLines.ListEnds(room);
        _text.Write(room.WrittenSpan);
    }

    private void SendText(Connection connection)
    {
        var line = _text.Segments.Items;
        if (_text.Bytes >= BlockSizes.LargeBytes)
        {
            connection.Send(line);
            return;
        }

        // Of a short line copies are kept: its blocks are much larger than what stands in them. In one step, as above.
        lock (connection.Outbound.Gate)
        {
            foreach (ref readonly var part in line)
            {
                connection.Send(part.Span);
            }
        }
    }
}
