using System.Runtime.InteropServices;
using System.Text;
using MessageDelivery.Hub.Linux;
using Microsoft.Win32.SafeHandles;

namespace MessageDelivery.Cli.Operations;

/// <summary>
/// A file that is only ever written at its end (O_APPEND), wherever that is by then: it may be truncated in place, and others may write to it,
/// too. What goes wrong is an <see cref="IOException"/> that says why in a few words. One thread at a time.
/// </summary>
internal sealed unsafe class AppendedFile : Stream
{
    /// <summary>How long a pipe may be full before what is written counts as lost.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly SafeFileHandle _file;

    private AppendedFile(SafeFileHandle file) => _file = file;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens a file, and makes it where there is none, for its owner to write and one group to read.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static AppendedFile Open(string path) => new(Open(path, Libc.Create));

    /// <summary>Why it could not be written; null if it could. Makes none.</summary>
    public static string? Problem(string path)
    {
        try
        {
            using var file = Open(path, 0);
            return null;
        }
        catch (FileNotFoundException)
        {
            return Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))) ? null : "its directory does not exist";
        }
        catch (IOException exception)
        {
            return exception.Message;
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* bytes = buffer)
        {
            for (int done = 0; done < buffer.Length;)
            {
                nint written = Libc.Write((int)_file.DangerousGetHandle(), bytes + done, buffer.Length - done);
                if (written >= 0)
                {
                    done += (int)written;
                }
                else if (Libc.LastError is not (Libc.Interrupted or Libc.TryAgain) and var error)
                {
                    throw Failed(error);
                }
                else if (!Libc.WaitWritable((int)_file.DangerousGetHandle(), Patience))
                {
                    throw new IOException("nobody reads from it");
                }
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // Nothing is kept here.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }

    private static SafeFileHandle Open(string path, int create)
    {
        const uint mode = 0b110_100_000;
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new IOException("no file can have a name with a NUL in it");
        }

        if (!OperatingSystem.IsLinux())
        {
            // The numbers mean something else elsewhere.
            throw new IOException("a hub runs on Linux");
        }

        int descriptor;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            // A FIFO that nobody reads would hold up whoever opens it.
            int flags = Libc.WriteOnly | Libc.Append | Libc.NonBlocking | Libc.CloseOnExec | Libc.NoControllingTerminal | create;
            descriptor = Libc.Open(name, flags, mode);
        }

        return descriptor >= 0 ? new(descriptor, ownsHandle: true) : throw Failed(Libc.LastError);
    }

    private static IOException Failed(int error)
    {
        string why = Marshal.GetPInvokeErrorMessage(error);
        return error == Libc.NoSuchFile ? new FileNotFoundException(why) : new IOException(why, error);
    }
}
