using MessageDelivery.Load.Linux;
using MessageDelivery.Load.Protocols;

namespace MessageDelivery.Load;

/// <summary>What receivers owe a server that keeps deliveries until they are acknowledged.</summary>
internal sealed unsafe class Acknowledging(WireProtocol protocol)
{
    private readonly int _maxUnacknowledged = protocol.MaxUnacknowledged;

    public void SendIfDue(Connection connection, Receiver receiver)
    {
        if (_maxUnacknowledged == 0 || receiver.Delivered - receiver.Acknowledged < _maxUnacknowledged)
        {
            return;
        }

        Span<byte> frame = stackalloc byte[protocol.AcknowledgementBytes];
        protocol.WriteAcknowledgement(frame, receiver.Delivered);
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
