using Microsoft.Win32.SafeHandles;

namespace MessageDelivery.Cli.Output;

/// <summary>Standard output for a verb that goes on.</summary>
internal static class StandardOutput
{
    /// <summary>
    /// Opens it so that writing fails when nobody reads any more, as in <c>mds listen | head -1</c>: the console's own stream takes
    /// no notice of that, and the verb would go on for nobody.
    /// </summary>
    public static Stream Open()
    {
        var file = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        // A file has no reader who could leave, and its end may move: others may write to it, too.
        return file.CanSeek ? Console.OpenStandardOutput() : file;
    }
}
