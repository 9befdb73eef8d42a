namespace MessageDelivery.Tests.Shared;

/// <summary>What code allocates on the heap of the calling thread.</summary>
internal static class Allocations
{
    private const int Rounds = 10;

    /// <summary>
    /// The fewest bytes that a round allocated on this thread, of up to ten. What the code itself allocates is in each of them. What the
    /// runtime allocates on the thread at hand falls into one: the handles of statics and literals when a method is compiled
    /// anew, the buffers of whatever measures coverage.
    /// </summary>
    public static long MinOf(Action round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Rounds && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
