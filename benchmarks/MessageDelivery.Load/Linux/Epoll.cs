using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MessageDelivery.Load.Linux;

/// <summary>One epoll instance and the events it last reported. See epoll(7). Used by one thread.</summary>
internal sealed unsafe class Epoll : IDisposable
{
    private const int MaxEvents = 512;

    // The kernel packs struct epoll_event on x86-64 only.
    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventBytes = DataOffset + 8;

    private readonly byte* _events = (byte*)NativeMemory.Alloc(MaxEvents, (nuint)EventBytes);
    private readonly int _epoll = Check(Libc.EpollCreate(Libc.CloseOnExec));

    public (uint Events, int Tag) this[int index]
    {
        get
        {
            byte* description = _events + (index * EventBytes);
            return (Unsafe.ReadUnaligned<uint>(description), (int)Unsafe.ReadUnaligned<ulong>(description + DataOffset));
        }
    }

    /// <summary>Watches a descriptor until it is closed.</summary>
    public void Add(int fd, uint events, int tag)
    {
        byte* description = stackalloc byte[EventBytes];
        Unsafe.WriteUnaligned(description, events);
        Unsafe.WriteUnaligned(description + DataOffset, (ulong)(uint)tag);
        Check(Libc.EpollControl(_epoll, Libc.EpollCtlAdd, fd, description));
    }

    /// <summary>Waits for events at most so long; returns how many there are.</summary>
    public int Wait(int timeoutMilliseconds)
    {
        int count = Libc.EpollWait(_epoll, _events, MaxEvents, timeoutMilliseconds);
        return count >= 0 || Libc.LastError == Libc.Interrupted ? Math.Max(count, 0) : throw new Win32Exception(Libc.LastError);
    }

    public void Dispose()
    {
        Libc.Close(_epoll);
        NativeMemory.Free(_events);
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception(Libc.LastError);
}
