namespace MessageDelivery.Hub.Linux;

/// <summary>The stack of the hub's own threads, whatever the limit of the process says (<c>ulimit -s</c>): 128 KiB are too few, and 8 MiB waste address space.</summary>
internal static class ThreadStack
{
    public const int Bytes = 1 << 20;
}
