using System.Security.Cryptography;

namespace MessageDelivery.Hub.Linux;

/// <summary>What several files held, each read once: what is made of them and what is compared later is the same, and a pipe can be one of them.</summary>
internal sealed class FileContents
{
    private readonly Dictionary<string, (byte[] Bytes, string? Problem)> _files = [];

    private FileContents()
    {
    }

    /// <summary>Something that differs as soon as what the files hold does; a file that cannot be read counts as well.</summary>
    public string Fingerprint { get; private set; } = "";

    /// <summary>Reads all of them; what cannot be read is told when it is asked for.</summary>
    public static FileContents Read(IEnumerable<string> paths)
    {
        var contents = new FileContents();
        // Where there are no files, nothing of the cryptographic library is touched: it is 4 MB of memory.
        List<byte> hashes = [];
        foreach (string path in paths)
        {
            if (!contents._files.TryGetValue(path, out var file))
            {
                contents._files[path] = file = ReadOne(path);
            }

            hashes.AddRange(file.Problem is null ? SHA256.HashData(file.Bytes) : [0]);
        }

        contents.Fingerprint = Convert.ToHexString([.. hashes]);
        return contents;
    }

    /// <summary>The bytes of one of them.</summary>
    /// <exception cref="IOException">It could not be read; the message says why.</exception>
    public byte[] Of(string path) => _files[path] is { Problem: { } problem } ? throw new IOException(problem) : _files[path].Bytes;

    private static (byte[] Bytes, string? Problem) ReadOne(string path)
    {
        try
        {
            return (InputFile.Read(path, out _), null);
        }
        catch (IOException exception)
        {
            return ([], exception.Message);
        }
    }
}
