using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Client;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Cli.Verbs;

/// <summary>TLS for the client verbs. Naming anything about it turns it on.</summary>
internal static class TlsAccess
{
    private const string Switch = "--tls";
    private const string PinPrefix = "sha256:";

    private static readonly (string Name, string Value, string Help)[] Options =
    [
        ("--tls-ca", "FILE", "Trust the hub's certificate if it was signed by one in this PEM file, instead of the system's authorities."),
        ("--tls-pin", "SHA256", "Trust the hub's certificate if it has this fingerprint, sha256:HEX, and no other."),
        ("--tls-name", "HOST", "The name that the hub's certificate must have. Default: the host of --hub."),
        ("--tls-client-cert", "FILE", "Show this certificate, in PEM."),
        ("--tls-client-key", "FILE", "Its private key, in PEM. Default: in the file of --tls-client-cert."),
    ];

    /// <summary>Adds the options to each verb that talks to a hub.</summary>
    public static void AddTo(Command root)
    {
        foreach (var verb in root.Subcommands.Where(verb => verb.Options.Any(option => option.Name == "--token-file")))
        {
            verb.Add(new Option<bool>(Switch) { Recursive = true, Description = $"Speak TLS with the hub. {Variable(Switch)}=true in the environment does the same." });
            foreach (var (name, value, help) in Options)
            {
                verb.Add(new Option<string?>(name) { Recursive = true, HelpName = value, Description = $"{help} Also {Variable(name)}." });
            }
        }
    }

    /// <summary>How to speak TLS; null for not at all.</summary>
    public static HubTlsClientOptions? Read(ParseResult arguments)
    {
        string? authorities = Value("--tls-ca"), pin = Value("--tls-pin"), name = Value("--tls-name");
        string? certificate = Value("--tls-client-cert"), key = Value("--tls-client-key");
        bool isOn = arguments.GetValue<bool>(Switch)
            || string.Equals(Environment.GetEnvironmentVariable(Variable(Switch)), "true", StringComparison.OrdinalIgnoreCase);
        if (!isOn && authorities is null && pin is null && name is null && certificate is null && key is null)
        {
            return null;
        }

        if (key is not null && certificate is null)
        {
            throw new CommandException(ExitCode.Usage, "--tls-client-key is set without --tls-client-cert");
        }

        return new()
        {
            TargetHost = name,
            Pin = CheckedPin(pin),
            Authorities = authorities is null ? null : FromFile("--tls-ca", authorities, () =>
            {
                var all = new X509Certificate2Collection();
                all.ImportFromPem(InputFile.ReadText(authorities));
                return all.Count > 0 ? all : throw new CryptographicException("it has no certificate in PEM");
            }),
            ClientCertificate = certificate is null ? null : FromFile(
                key is null ? "--tls-client-cert" : "--tls-client-cert and --tls-client-key", key is null ? certificate : $"{certificate} and {key}",
                () => X509Certificate2.CreateFromPem(InputFile.ReadText(certificate), InputFile.ReadText(key ?? certificate))),
        };

        string? Value(string option) =>
            arguments.GetValue<string?>(option) is { } given ? given
            : Environment.GetEnvironmentVariable(Variable(option)) is { Length: > 0 } variable ? variable
            : null;
    }

    private static string Variable(string option) =>
        $"{SettingSource.ClientVariablePrefix}{option[2..].Replace('-', '_').ToUpperInvariant()}";

    private static string? CheckedPin(string? pin)
    {
        string digits = pin is null ? "" : pin.StartsWith(PinPrefix, StringComparison.OrdinalIgnoreCase) ? pin[PinPrefix.Length..] : pin;
        return pin is null || (digits.Length == 2 * SHA256.HashSizeInBytes && digits.All(char.IsAsciiHexDigit))
            ? pin
            : throw new CommandException(ExitCode.Usage, $"--tls-pin is '{pin}': it must be {PinPrefix} and {2 * SHA256.HashSizeInBytes} hexadecimal digits");
    }

    private static T FromFile<T>(string option, string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is IOException or CryptographicException or ArgumentException)
        {
            throw new CommandException(ExitCode.Usage, $"{option} {path} cannot be used: {OneLine.WithoutParameter(exception)}");
        }
    }
}
