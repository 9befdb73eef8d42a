using System.Buffers;
using System.Text;
using MessageDelivery.Hub.Limits;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Hub.Protocols.Text;

/// <summary>The hub's own lines, written to a connection's queue.</summary>
internal static class TextReplies
{
    /// <summary>Says why and closes.</summary>
    public static void CloseWithError(this Connection connection, Ending ending)
    {
        if (ending == Ending.ShuttingDown)
        {
            connection.SendLast(ServerLines.ShuttingDown);
        }
        else
        {
            var line = new ArrayBufferWriter<byte>(256);
            // An embedder's authenticator may have words of others in it.
            ServerLines.Error(line, ending.Code, Encoding.UTF8.GetBytes(TextRenderer.Reveal(ending.Text)));
            connection.SendLast(line.WrittenSpan);
        }

        connection.Close(ending.Reason);
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
