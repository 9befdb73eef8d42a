using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>Turns deliveries into what text users see (protocol, section 3). Each form is made once for all who get it.</summary>
internal static class TextForm
{
    public static ReadOnlySpan<Segment> Of(Delivery delivery, bool verbose)
    {
        var writer = verbose ? delivery.VerboseText : delivery.Text;
        if (writer.Bytes == 0)
        {
            Write(delivery, verbose, writer);
        }

        return writer.Segments.Items;
    }

    private static void Write(Delivery delivery, bool verbose, SegmentWriter writer)
    {
        var frames = delivery.Frames.Items;
        int index = 0;
        int offset = 0;
        Span<byte> end = stackalloc byte[TextRenderer.MaxFinishBytes];
        for (int relay = 0; relay < delivery.Relays; relay++)
        {
            // A delivery's header is never split: its first part was received or written in one piece.
            var header = DeliveryHeader.Read(frames[index].Span[offset..]);
            offset += ProtocolLimits.DeliveryHeaderBytes;
            if (verbose)
            {
                WriteSender(header.SenderId, writer);
            }

            var renderer = new TextRenderer();
            for (int left = header.BodyBytes; left > 0;)
            {
                if (offset == frames[index].Length)
                {
                    index++;
                    offset = 0;
                }

                var part = frames[index].Span[offset..];
                part = part[..Math.Min(left, part.Length)];
                Render(ref renderer, part, left, writer);
                offset += part.Length;
                left -= part.Length;
            }

            renderer.Finish(end, out int written);
            writer.Write(end[..written]);
        }
    }

    private static void Render(ref TextRenderer renderer, ReadOnlySpan<byte> part, int expected, SegmentWriter writer)
    {
        // Where a block has less room than one byte may become, that byte goes by way of the stack.
        Span<byte> few = stackalloc byte[TextRenderer.MaxFinishBytes * 2];
        while (!part.IsEmpty)
        {
            var room = writer.Room(expected);
            bool direct = room.Length >= few.Length;
            renderer.Render(part, direct ? room : few, out int consumed, out int written);
            if (direct)
            {
                writer.Commit(written);
            }
            else
            {
                writer.Write(few[..written]);
            }

            part = part[consumed..];
        }
    }

    private static void WriteSender(ulong sender, SegmentWriter writer)
    {
        Span<byte> line = stackalloc byte[64];
        "[Server] Message from "u8.CopyTo(line);
        int used = "[Server] Message from "u8.Length;
        System.Buffers.Text.Utf8Formatter.TryFormat(sender, line[used..], out int digits);
        used += digits;
        line[used++] = (byte)'\n';
        writer.Write(line[..used]);
    }
}
