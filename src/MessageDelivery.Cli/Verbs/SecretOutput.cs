using System.CommandLine;
using System.Text;
using MessageDelivery.Cli.Terminal;

namespace MessageDelivery.Cli.Verbs;

/// <summary>Where a verb puts a secret that it has made: standard output, or a new file that only its owner may read.</summary>
/// <param name="what">What it is, in a word.</param>
internal sealed class SecretOutput(string what)
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The option that names the file.</summary>
    public Option<string?> Option { get; } = new("--out")
    {
        HelpName = "FILE",
        Description = $"Write the {what} to this new file, which only you may read (mode 600), and not to standard output.",
    };

    /// <summary>Does what the secret is for and tells it; if either fails, neither is left behind.</summary>
    /// <exception cref="CommandException">The file is there already, or cannot be written.</exception>
    public void Write(ParseResult arguments, string secret, Action use)
    {
        if (arguments.GetValue(Option) is not { } path)
        {
            use();
            Console.Out.WriteLine(secret);
            return;
        }

        try
        {
            using var file = Open(path);
            try
            {
                file.Write(Encoding.UTF8.GetBytes($"{secret}\n"));
                file.Flush(flushToDisk: true);
                use();
            }
            catch
            {
                File.Delete(path);
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandException(ExitCode.InputOutput, $"--out {path} cannot be written: {OneLine.WithoutParameter(exception)}");
        }
    }

    private static FileStream Open(string path)
    {
        // Never one that is there: somebody else may have it open, or may read it.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = Owner;
        }

        return new(path, options);
    }
}
