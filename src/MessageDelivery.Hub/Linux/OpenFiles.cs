namespace MessageDelivery.Hub.Linux;

/// <summary>The process's limit of open file descriptors.</summary>
internal static unsafe class OpenFiles
{
    /// <summary>How many are open now: of a program that is not native each of its libraries is one. 0 if /proc does not tell.</summary>
    public static int Count()
    {
        try
        {
            return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Raises the limit as far as the process may, and returns it.</summary>
    public static long RaiseLimit()
    {
        Libc.ResourceLimit limit;
        if (Libc.GetResourceLimit(Libc.ResourceOpenFiles, &limit) != 0)
        {
            return 1024;
        }

        if (limit.Current < limit.Most)
        {
            var raised = limit with { Current = limit.Most };
            if (Libc.SetResourceLimit(Libc.ResourceOpenFiles, &raised) == 0)
            {
                limit = raised;
            }
        }

        return (long)Math.Min(limit.Current, int.MaxValue);
    }
}
