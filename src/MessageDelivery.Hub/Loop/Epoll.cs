using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Loop;

/// <summary>One epoll instance and the events it last reported. See epoll(7). Used by one thread, except <see cref="Wake"/>.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    /// <summary>The tag that <see cref="Wake"/> is reported under.</summary>
    public const ulong WakeTag = ulong.MaxValue;

    private const int MaxEvents = 1024;

    // The kernel packs struct epoll_event on x86-64 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventBytes = DataOffset + 8;

    private readonly byte* _events = (byte*)NativeMemory.Alloc(MaxEvents, (nuint)EventBytes);
    private readonly int _epoll = -1;
    private readonly int _wake;

    public Epoll()
        : this(Libc.EventFd(0, Libc.CloseOnExec | Libc.NonBlocking))
    {
    }

    /// <param name="wake">What <see cref="Wake"/> writes to, and this closes; negative if the machine gave none.</param>
    internal Epoll(int wake)
    {
        _wake = wake;
        try
        {
            Check(wake);
            _epoll = Check(Libc.EpollCreate(Libc.CloseOnExec));
            Add(wake, Libc.EpollIn | Libc.EpollEdge, WakeTag);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Watches a descriptor until it is removed, or closed with all its duplicates.</summary>
    public void Add(int fd, uint events, ulong tag)
    {
        if (!TryAdd(fd, events, tag))
        {
            throw new Win32Exception(Libc.LastError);
        }
    }

    public bool TryAdd(int fd, uint events, ulong tag)
    {
        byte* description = stackalloc byte[EventBytes];
        Unsafe.WriteUnaligned(description, events);
        Unsafe.WriteUnaligned(description + DataOffset, tag);
        return Libc.EpollControl(_epoll, Libc.EpollCtlAdd, fd, description) == 0;
    }

    /// <summary>
    /// Watches a descriptor no more. Closing it is not enough where a duplicate lives in another process: its events would go on being
    /// reported, and nothing could end that any more (epoll(7), questions 6 and 7).
    /// </summary>
    public void Remove(int fd) => Libc.EpollControl(_epoll, Libc.EpollCtlDelete, fd, null);

    /// <summary>Waits for events; returns how many there are. A negative timeout waits without end.</summary>
    public int Wait(int timeoutMilliseconds)
    {
        int count = Libc.EpollWait(_epoll, _events, MaxEvents, timeoutMilliseconds);
        return count >= 0 || Libc.LastError == Libc.Interrupted ? Math.Max(count, 0) : throw new Win32Exception(Libc.LastError);
    }

    public (uint Events, ulong Tag) this[int index]
    {
        get
        {
            byte* description = _events + (index * EventBytes);
            return (Unsafe.ReadUnaligned<uint>(description), Unsafe.ReadUnaligned<ulong>(description + DataOffset));
        }
    }

    /// <summary>Ends the current or the next wait. From any thread.</summary>
    public void Wake()
    {
        ulong one = 1;
        Libc.Write(_wake, &one, sizeof(ulong));
    }

    public void Dispose()
    {
        Libc.Close(_wake);
        Libc.Close(_epoll);
        NativeMemory.Free(_events);
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception(Libc.LastError);
}
