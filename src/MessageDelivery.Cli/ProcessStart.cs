using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Cli;

/// <summary>
/// What a process may have been started with that the runtime does not take well, and which can only be put right by beginning the program anew, in
/// the same process. Without a standard stream (<c>2>&amp;-</c>) something else is opened under its number, the first time by the runtime itself, and
/// would be written to in its place. With little address space (<c>ulimit -v</c>) what is reserved for heaps leaves none for anything else.
/// </summary>
internal static unsafe class ProcessStart
{
    /// <summary>The variables that bound what is reserved: of the C library for each thread, and of the garbage collector.</summary>
    private const string Arenas = "MALLOC_ARENA_MAX", HeapRange = "DOTNET_GCRegionRange";

    /// <summary>Of the address space, this part is for the garbage collector: messages are not in its heap.</summary>
    private const int HeapPart = 4;

    private const string Program = "/proc/self/exe";
    private const int Streams = 3;
    private const int ClosedOnExec = 1;
    private const int FileSizeExceeded = 25;
    private const nint Ignore = 1;

    /// <summary>
    /// Opens <c>/dev/null</c> in place of each stream that is missing, bounds what is reserved where address space is limited, and begins anew if
    /// need be. To write a file that may not grow is an error from now on, and does not end the process (SIGXFSZ). Called first of all.
    /// </summary>
    public static void Prepare()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        Libc.Signal(FileSizeExceeded, Ignore);
        // Without it nothing can be begun anew, and what the runtime has opened must stay.
        bool canBegin = File.Exists(Program);
        bool mustBegin = canBegin && MustBoundReserves();
        for (int stream = 0; stream < Streams; stream++)
        {
            int flags = Libc.DescriptorControl(stream, Libc.GetDescriptorFlags);

            // What is inherited is not closed on exec, or it would have been closed. The runtime opens its own so.
            bool isTaken = flags >= 0 && (flags & ClosedOnExec) != 0;
            if (flags < 0 || (isTaken && canBegin))
            {
                mustBegin |= isTaken;
                if (!OpenNothing(stream))
                {
                    return;
                }
            }
        }

        if (mustBegin)
        {
            BeginAnew();
        }
    }

    private static bool MustBoundReserves()
    {
        if (MachineMemory.AddressSpaceBytes is not { } bytes || Environment.GetEnvironmentVariable(Arenas) is not null)
        {
            return false;
        }

        bool isSet = Libc.SetEnvironment(Arenas, "1", 0) == 0;
        Libc.SetEnvironment(HeapRange, (bytes / HeapPart).ToString("x", CultureInfo.InvariantCulture), 0);
        return isSet;
    }

    private static bool OpenNothing(int stream)
    {
        fixed (byte* path = "/dev/null\0"u8)
        {
            int descriptor = Libc.Open(path, Libc.ReadWrite);
            if (descriptor < 0)
            {
                return false;
            }

            if (descriptor != stream)
            {
                Libc.Duplicate(descriptor, stream);
                Libc.Close(descriptor);
            }

            return true;
        }
    }

    private static void BeginAnew()
    {
        // As they came, which need not be text.
        byte[] words = ReadArguments();
        fixed (byte* first = words)
        fixed (byte* program = Encoding.UTF8.GetBytes(Program + '\0'))
        {
            int count = words.AsSpan().Count((byte)0);
            byte** arguments = (byte**)NativeMemory.AllocZeroed((nuint)(count + 1), (nuint)sizeof(byte*));
            byte* next = first;
            for (int i = 0; i < count; i++)
            {
                arguments[i] = next;
                next += MemoryMarshal.CreateReadOnlySpanFromNullTerminated(next).Length + 1;
            }

            Libc.Execute(program, arguments);

            // What cannot be is told nobody: there may be nothing to tell it to.
            NativeMemory.Free(arguments);
        }
    }

    private static byte[] ReadArguments()
    {
        try
        {
            if (InputFile.Read("/proc/self/cmdline", out _) is [.., 0] words)
            {
                return words;
            }
        }
        catch (IOException)
        {
            // There may be no /proc.
        }

        return Encoding.UTF8.GetBytes("mds\0");
    }
}
