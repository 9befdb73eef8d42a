using MessageDelivery.Torture.Running;

namespace MessageDelivery.Torture.Tests;

public class HubMetersTests
{
    [Fact]
    public void The_last_value_of_each_instrument_counts()
    {
        var meters = HubMeters.Parse(
        [
            "Timestamp,Provider,Counter Name,Counter Type,Mean/Increment",
            "11/24/2026 16:40:45,MessageDelivery.Hub,mds.queued (By),Metric,529874",
            "11/24/2026 16:40:45,MessageDelivery.Hub,mds.users ({user}),Metric,62",
            "11/24/2026 16:40:46,MessageDelivery.Hub,mds.queued (By),Metric,12",
            "11/24/2026 16:40:46,System.Runtime,cpu-usage (%),Metric,3",
        ]);
        Assert.Equal(12, meters["mds.queued"]);
        Assert.Equal(62, meters["mds.users"]);
        Assert.Equal(2, meters.Count);
    }
}
