using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Access;

/// <summary>Files that not everybody may read or change.</summary>
internal static class SecretFile
{
    private const UnixFileMode ForOthers = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute | UnixFileMode.GroupWrite;
    private const UnixFileMode ChangedByOthers = UnixFileMode.OtherWrite | UnixFileMode.GroupWrite;

    /// <summary>Reads a file.</summary>
    /// <param name="isSecret">Whether it must not be read by everybody; if not, it only must not be changed by everybody.</param>
    /// <exception cref="AccessFileException">It cannot be read, is too large, or others may do with it what they must not.</exception>
    public static byte[] Read(string path, bool isSecret)
    {
        try
        {
            byte[] bytes = InputFile.Read(path, out var mode);
            CheckMode(path, mode, isSecret);
            return bytes;
        }
        catch (IOException exception)
        {
            throw new AccessFileException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    private static void CheckMode(string path, UnixFileMode mode, bool isSecret)
    {
        if ((mode & (isSecret ? ForOthers : ChangedByOthers)) != 0)
        {
            string wanted = isSecret ? "chmod 600 (or 640, for a group that may read it)" : "chmod go-w";
            throw new AccessFileException(
                $"{path} has the mode {Convert.ToString((int)mode, 8)}, with which others may {(isSecret ? "read or change" : "change")} it: {wanted} keeps them out");
        }
    }
}
