using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <content>What a resumable session's two sides tell each other of what has come (protocol, section 5).</content>
internal sealed partial class BinarySession
{
    private const int AckBytes = ProtocolLimits.HeaderBytes + sizeof(ulong);

    private static readonly FrameHeader AckHeader = new(FrameType.Ack, 0, 0, sizeof(ulong));

    /// <summary>Acknowledgements free memory: they are heard even when there is none to receive into.</summary>
    public int ConsumeUrgent(ReadOnlySpan<byte> front)
    {
        int used = 0;
        while (_resumable is not null && _connection.IsOpen && IsBetweenFrames && front.Length - used >= AckBytes && FrameHeader.Read(front[used..]) == AckHeader)
        {
            CarryAck(BinaryPrimitives.ReadUInt64LittleEndian(front[(used + ProtocolLimits.HeaderBytes)..]));
            used += AckBytes;
        }

        return used;
    }

    /// <summary>Frames, or parts of them, have come on a connection with a session.</summary>
    private void Heard(int bytes)
    {
        if (bytes > 0)
        {
            _resumable!.ConfirmKey();
        }

        TellProcessed();
    }

    private void TellProcessed()
    {
        if (_resumable is { Processed: var processed } && processed.IsDue(_connection.Loop.Now) && _connection.IsOpen)
        {
            _connection.SendAck(processed.Total);
            processed.Told();
        }
    }
}
