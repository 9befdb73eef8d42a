using System.CommandLine;
using System.Text;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Client;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Verbs;

/// <summary>The options of the client verbs that say where the hub is and who one is.</summary>
internal sealed class HubOptions
{
    private readonly Option<string?> _hub = new("--hub")
    {
        HelpName = "HOST:PORT",
        Description = $"The hub to talk to. Default: {SettingSource.HubVariable} from the environment, or 127.0.0.1:{HubClientOptions.DefaultPort}.",
    };

    private readonly Option<string?> _tokenFile = new("--token-file")
    {
        HelpName = "FILE",
        Description = $"Where a hub demands it: the token, in a file that others cannot read. Default: {SettingSource.TokenVariable} from the environment, or none.",
    };

    /// <summary>Adds them to a verb that is told the hub as its argument.</summary>
    public Argument<string> AddWithArgumentTo(Command command, string description)
    {
        var hub = new Argument<string>("HOST:PORT") { Description = description };
        command.Add(hub);
        command.Options.Insert(0, _tokenFile);
        return hub;
    }

    /// <param name="recursive">Whether the verb's own verbs have them, too.</param>
    public void AddTo(Command command, bool recursive = false)
    {
        (_hub.Recursive, _tokenFile.Recursive) = (recursive, recursive);
        command.Options.Insert(0, _tokenFile);
        command.Options.Insert(0, _hub);
    }

    /// <summary>Where the hub is, and who one is; without connecting again.</summary>
    /// <exception cref="CommandException">An option, a variable or the token's file is wrong.</exception>
    public HubClientOptions Read(ParseResult arguments) => Read(arguments, arguments.GetValue(_hub));

    /// <summary>The same for a hub that was told otherwise.</summary>
    /// <exception cref="CommandException">An option, a variable or the token's file is wrong.</exception>
    public HubClientOptions Read(ParseResult arguments, string? hub)
    {
        var options = Parse(hub) with { Reconnect = null, Tls = TlsAccess.Read(arguments) };
        if (arguments.GetValue(_tokenFile) is { } file)
        {
            ReadToken(file);

            // Anew for each connection: the token of a verb that goes on for days may be replaced meanwhile.
            return options with { TokenProvider = _ => ValueTask.FromResult(ReadToken(file)) };
        }

        string? token = Environment.GetEnvironmentVariable(SettingSource.TokenVariable);
        return string.IsNullOrWhiteSpace(token) ? options : options with { Token = Checked(token.Trim(), SettingSource.TokenVariable) };
    }

    private static HubClientOptions Parse(string? hub)
    {
        string source = "--hub";
        if (hub is null)
        {
            (hub, source) = (Environment.GetEnvironmentVariable(SettingSource.HubVariable), SettingSource.HubVariable);
        }

        try
        {
            return hub is null ? new() : HubClientOptions.Parse(hub);
        }
        catch (FormatException exception)
        {
            throw new CommandException(ExitCode.Usage, $"hub (from {source}): {exception.Message}");
        }
    }

    private static string ReadToken(string file)
    {
        try
        {
            byte[] bytes = InputFile.Read(file, out var mode);
            if ((mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
            {
                throw new CommandException(ExitCode.Usage, $"--token-file {file} can be read or changed by others; chmod 600 keeps them out");
            }

            return Checked(InputFile.Text(bytes).Trim(), $"--token-file {file}");
        }
        catch (IOException exception)
        {
            throw new CommandException(ExitCode.InputOutput, $"--token-file {file} cannot be read: {exception.Message}");
        }
    }

    private static string Checked(string token, string source) => Encoding.UTF8.GetByteCount(token) switch
    {
        0 => throw new CommandException(ExitCode.Usage, $"{source} is empty"),
        > ProtocolLimits.MaxTokenBytes => throw new CommandException(ExitCode.Usage, $"{source} has more than {ProtocolLimits.MaxTokenBytes} bytes, which no token has"),
        _ => token,
    };
}
