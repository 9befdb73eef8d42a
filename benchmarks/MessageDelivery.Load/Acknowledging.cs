using MessageDelivery.Load.Linux;
using MessageDelivery.Load.Protocols;
using MessageDelivery.Load.WebSockets;

namespace MessageDelivery.Load;

/// <summary>What receivers owe a server that keeps deliveries until they are acknowledged.</summary>
internal sealed unsafe class Acknowledging(WireProtocol protocol)
{
    private const uint MaskingKey = 0x6D645F61;

    private readonly int _maxUnacknowledged = protocol.MaxUnacknowledged;

    public void SendIfDue(Connection connection, Receiver receiver)
    {
        if (_maxUnacknowledged == 0 || receiver.Delivered - receiver.Acknowledged < _maxUnacknowledged)
        {
            return;
        }

        Span<byte> frame = stackalloc byte[ClientFrame.MaxHeaderBytes + protocol.AcknowledgementBytes];
        int header = connection.WebSocket is null
            ? 0
            : ClientFrame.WriteHeader(frame, ClientFrame.Binary, protocol.AcknowledgementBytes, MaskingKey);
        frame = frame[..(header + protocol.AcknowledgementBytes)];
        protocol.WriteAcknowledgement(frame[header..], receiver.Delivered);
        if (header > 0)
        {
            ClientFrame.Mask(frame[header..], MaskingKey);
        }

        fixed (byte* bytes = frame)
        {
            // A few bytes once in a while always have room in the kernel.
            if (Libc.Send(connection.Fd, bytes, frame.Length, Libc.MsgDontWait | Libc.MsgNoSignal) == frame.Length)
            {
                receiver.Acknowledged = receiver.Delivered;
            }
        }
    }
}
