using System.Text.Json;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Hub.Access;

/// <summary>
/// A file of named tokens, of whose secrets it has only hashes: json, to be read by its owner (mode 600) and perhaps one group (640).
/// It is replaced as a whole, so that whoever reads it meanwhile sees one state or the other.
/// </summary>
public sealed class TokenFile
{
    /// <summary>The most tokens of a file.</summary>
    public const int MaxTokens = 100_000;

    private TokenFile(string path, IReadOnlyList<TokenEntry> tokens)
    {
        Path = path;
        Tokens = tokens;
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Its tokens, each name once, in the order of the file.</summary>
    public IReadOnlyList<TokenEntry> Tokens { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="AccessFileException">It cannot be read, others may read or change it, or it is not as it must be.</exception>
    public static TokenFile Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] bytes = SecretFile.Read(path, isSecret: true);
        try
        {
            var document = JsonSerializer.Deserialize(InputFile.WithoutByteOrderMark(bytes), TokenJson.Default.TokenDocument)
                ?? throw new AccessFileException($"{path} says null; a file of tokens is {{\"tokens\": []}}");
            Check(path, document.Tokens);
            return new(path, document.Tokens);
        }
        catch (JsonException exception)
        {
            // The message of the exception may quote what it found.
            throw new AccessFileException(
                $"{path} is not a file of tokens: line {(exception.LineNumber ?? 0) + 1}, {exception.Path ?? "$"} is not as it must be; 'mds token add' writes such files");
        }
    }

    /// <summary>Reads a file; one that is not there has no tokens.</summary>
    /// <exception cref="AccessFileException">There is one, and it is not as it must be.</exception>
    public static TokenFile LoadOrEmpty(string path) => File.Exists(path) ? Load(path) : new(path, []);

    /// <summary>Adds a token, and writes the file.</summary>
    /// <exception cref="AccessFileException">The name is taken, the token impossible, or the file cannot be written.</exception>
    public static void Add(string path, TokenEntry token) => Change(path, file =>
        file.Tokens.Any(other => other.Name == token.Name)
            ? throw new AccessFileException($"{path} has a token '{token.Name}' already; remove it first")
            : [.. file.Tokens, token]);

    /// <summary>Takes a token out, and writes the file. Whom it let in is removed when the hub reads the file again.</summary>
    /// <exception cref="AccessFileException">There is none of this name, or the file cannot be written.</exception>
    public static void Remove(string path, string name) => Change(path, file =>
        file.Tokens.Any(token => token.Name == name)
            ? [.. file.Tokens.Where(token => token.Name != name)]
            : throw new AccessFileException($"{path} has no token '{name}'"));

    private static void Change(string path, Func<TokenFile, TokenEntry[]> change)
    {
        // What replaces the file would replace a device or a pipe, too.
        if (OperatingSystem.IsLinux() && Libc.IsOtherThanFile(path))
        {
            throw new AccessFileException($"{path} is no file that could hold tokens, but a folder, a pipe or a device");
        }

        // Whoever has this file is the only one to change the other.
        string next = $"{path}.new";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = File.Exists(path)
                    ? File.GetUnixFileMode(path) & (UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead)
                    : UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var stream = new FileStream(next, options);
            try
            {
                var tokens = change(LoadOrEmpty(path));
                Check(path, tokens);
                JsonSerializer.Serialize(stream, new() { Tokens = tokens }, TokenJson.Default.TokenDocument);
                stream.WriteByte((byte)'\n');
                stream.Flush(flushToDisk: true);
                File.Move(next, path, overwrite: true);
            }
            catch
            {
                File.Delete(next);
                throw;
            }
        }
        catch (IOException exception) when (File.Exists(next))
        {
            throw new AccessFileException($"{next} is there: somebody else is changing {path}, or was interrupted; if nobody is, delete it", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AccessFileException($"{path} cannot be written: {exception.Message}", exception);
        }
    }

    private static void Check(string path, IReadOnlyList<TokenEntry> tokens)
    {
        if (tokens is null || tokens.Count > MaxTokens)
        {
            throw new AccessFileException($"{path} has {tokens?.Count.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no"} tokens; at most {MaxTokens} are possible");
        }

        if (tokens.Select(token => token?.Fault() ?? (token is null ? "a token is null" : null)).FirstOrDefault(fault => fault is not null) is { } wrong)
        {
            throw new AccessFileException($"{path}: {wrong}");
        }

        if (tokens.GroupBy(token => token.Name, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new AccessFileException($"{path} names '{twice.Key}' twice");
        }
    }
}
