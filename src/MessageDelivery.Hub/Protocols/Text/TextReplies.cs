using System.Buffers;
using System.Text;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>The hub's own lines, written to a connection's queue.</summary>
internal static class TextReplies
{
    /// <summary>For errors that are rare and end the connection.</summary>
    public static void SendTextError(this Connection connection, ProtocolCode code, string text)
    {
        var line = new ArrayBufferWriter<byte>(256);
        // An embedder's authenticator may have words of others in it.
        ServerLines.Error(line, code, Encoding.UTF8.GetBytes(TextRenderer.Reveal(text)));
        connection.SendLast(line.WrittenSpan);
    }

    /// <summary>Sends what was written and makes the writer ready for the next line.</summary>
    public static void SendLines(this Connection connection, ArrayBufferWriter<byte> lines)
    {
        try
        {
            connection.Send(lines.WrittenSpan);
        }
        finally
        {
            lines.ResetWrittenCount();
        }
    }
}
