using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>A program that watches who comes and goes.</summary>
internal sealed class BinaryWatcher(LoopServices services, Connection connection, User user) : PresenceWatcher(user)
{
    public override bool HasRoom => connection.Outbound.HasRoomToAnswer;

    public override long SendList() => services.Listing.SendFrames(connection, User.Id, User.Rights);

    public override void Send(ReadOnlySpan<Segment> batch)
    {
        connection.Send(batch);
        connection.Reschedule();
    }

    public override void CutOff() => services.CutOff(User.Id, connection);

    public override void Fail(Exception exception) => services.Loop.Fail(connection, exception);
}
