using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>A connection that has to end for the memory it holds.</summary>
public sealed class GiveUpTests
{
    [Fact]
    public void One_that_only_sends_what_is_left_is_closed_once_and_for_all()
    {
        using var still = new StillLoop();
        var connection = still.Connect();
        connection.Outbound.Add([1], still.Loop);
        connection.Close(CloseReason.Left);
        Assert.False(connection.IsClosed);

        still.Loop.Failures.Call(connection, connection.GiveUp);

        Assert.True(connection.IsClosed);
        Assert.Equal(0, connection.Outbound.HeldBytes);
    }
}
