using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>Makes a receiver that does not read full, whatever the kernel's buffers hold.</summary>
internal static class Filling
{
    public const int BodyBytes = 262_144;

    /// <summary>
    /// Relays numbered bodies, BEST_EFFORT, until the receiver has been full several times in a row.
    /// Returns those that were accepted, in order.
    /// </summary>
    public static async Task<List<byte[]>> FillAsync(RawConnection sender, ulong receiver)
    {
        var accepted = new List<byte[]>();
        int fullInARow = 0;
        for (int i = 0; fullInARow < 4; i++)
        {
            Assert.True(i < 1_000, "The receiver is never full.");
            byte[] body = Frames.Pattern(BodyBytes, i);
            await sender.SendAsync(Frames.Relay(receiver, body, (ulong)i, RelayFlags.BestEffort));
            Frame receipt = await sender.FrameAsync(FrameType.Receipt);
            Assert.Equal((ulong)i, receipt.Correlation);
            if (receipt.Outcomes is [Outcome.Full])
            {
                fullInARow++;
                await Task.Delay(30);
            }
            else
            {
                Assert.True(receipt.Outcomes is [Outcome.Accepted]);
                accepted.Add(body);
                fullInARow = 0;
            }
        }

        return accepted;
    }
}
