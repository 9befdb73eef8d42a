using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MessageDelivery.Hub.Linux;

/// <summary>
/// Reads files that others write: whatever stands at a path, a call ends soon, with at most <see cref="MaxBytes"/>, and the one exception
/// it throws is an <see cref="IOException"/> whose message says why in a few words, without the path. Any thread but an event loop's.
/// </summary>
internal static unsafe class InputFile
{
    /// <summary>The most bytes of a file.</summary>
    public const int MaxBytes = 16 << 20;

    private const int FirstReadBytes = 4_096;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Reads a file, or a pipe until its end; a pipe from which nothing comes for 5 s is an error.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="mode">Who may do what with it; none where the system has no such modes.</param>
    /// <exception cref="IOException">It cannot be read, or is too large.</exception>
    public static byte[] Read(string path, out UnixFileMode mode)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new IOException("no file can have a name with a NUL in it");
        }

        return OperatingSystem.IsLinux() ? ReadDescriptor(path, out mode) : ReadStream(path, out mode);
    }

    /// <summary>The text of a file: UTF-8, or what its byte order mark says, which is left out.</summary>
    /// <exception cref="IOException">It cannot be read, or is too large.</exception>
    public static string ReadText(string path) => Text(Read(path, out _));

    /// <summary>Bytes as text: UTF-8, or what their byte order mark says, which is left out.</summary>
    public static string Text(byte[] bytes)
    {
        using var reader = new StreamReader(new MemoryStream(bytes), Encoding.UTF8, detectEncodingFromByteOrderMarks: true);
        return reader.ReadToEnd();
    }

    /// <summary>The bytes behind a byte order mark of UTF-8, which JSON has no place for (RFC 8259, section 8.1).</summary>
    public static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;

    private static byte[] ReadDescriptor(string path, out UnixFileMode mode)
    {
        int descriptor;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            // A FIFO that nobody writes to would hold up whoever opens it.
            descriptor = Libc.Open(name, Libc.NonBlocking | Libc.CloseOnExec | Libc.NoControllingTerminal);
        }

        if (descriptor < 0)
        {
            throw Failed(Libc.LastError);
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        mode = OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(handle);
        return ReadAll(descriptor);
    }

    private static byte[] ReadAll(int descriptor)
    {
        byte[] buffer = new byte[FirstReadBytes];
        int length = 0;
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            nint read;
            fixed (byte* room = &buffer[length])
            {
                read = Libc.Read(descriptor, room, buffer.Length - length);
            }

            if (read == 0)
            {
                return buffer[..length];
            }

            if (read > 0)
            {
                length += (int)read;
                if (length > MaxBytes)
                {
                    throw new IOException($"it has more than the {MaxBytes >> 20} MiB that are read");
                }

                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, Math.Min(2 * length, MaxBytes + 1));
                }
            }
            else if (Libc.LastError is not (Libc.Interrupted or Libc.TryAgain) and var error)
            {
                throw Failed(error);
            }
            else if (!Libc.WaitReadable(descriptor, Patience - Stopwatch.GetElapsedTime(began)))
            {
                throw new IOException($"nothing has come from it for {Patience.TotalSeconds} s");
            }
        }
    }

    private static IOException Failed(int error) => new(Marshal.GetPInvokeErrorMessage(error), error);

    private static byte[] ReadStream(string path, out UnixFileMode mode)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            mode = OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(stream.SafeFileHandle);
            if (stream.Length > MaxBytes)
            {
                throw new IOException($"it has more than the {MaxBytes >> 20} MiB that are read");
            }

            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IOException(exception.Message, exception);
        }
    }
}
