using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Failures;

/// <summary>
/// Message memory that cannot be had at any one place where the hub asks for some: whoever is at it may be cut off, but nothing is left
/// behind of it, nobody waits for ever, and everybody who comes later is served.
/// </summary>
public sealed class MemoryFaultTests
{
    private const int AtATime = 4;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Memory_that_is_refused_at_any_call(int refusals)
    {
        int calls = await RunAsync(int.MaxValue, 0);
        Assert.True(calls > 0, "The scenario needs no memory.");
        foreach (var some in Enumerable.Range(1, calls).Chunk(AtATime))
        {
            await Task.WhenAll(some.Select(at => RunAsync(at, refusals)));
        }
    }

    private static async Task<int> RunAsync(int at, int refusals)
    {
        int calls = 0;
        MessageHub stopped;
        await using (RunningHub hub = await RunningHub.StartAsync(options => options with
        {
            Heartbeat = TimeSpan.Zero,
            ResumeWindow = TimeSpan.FromSeconds(2),
        }))
        {
            stopped = hub.Hub;
            await using (RawConnection alice = await hub.BinaryAsync())
            await using (RawConnection bob = await hub.BinaryAsync())
            {
                stopped.Pool!.RentFails = () => Interlocked.Increment(ref calls) is var call && call >= at && call < at + refusals;
                var errands = new Errands(hub, alice, bob, isGuarded: false);
                Task trying = errands.TryAsync();
                await hub.AdvanceUntilAsync(trying, TimeSpan.FromMilliseconds(20));
                stopped.Pool.RentFails = null;
            }

            await using RawConnection carol = await hub.BinaryAsync();
            await using RawConnection dave = await hub.BinaryAsync();
            await new Errands(hub, carol, dave, isGuarded: false).ExpectHealthyAsync();
        }

        Assert.True(stopped.Completion.IsCompletedSuccessfully, $"call {at}: {stopped.Completion.Exception}");
        return calls;
    }
}
