using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MessageDelivery.Client;

/// <summary>
/// Binds <see cref="HubClientOptions"/> to a section of configuration, by one table and without reflection. Every problem is reported with
/// the key, the value and what it may be.
/// </summary>
internal static class HubClientConfiguration
{
    /// <summary>All keys. docs/hosting.md has a row for each.</summary>
    public static readonly IReadOnlyList<Key> All =
    [
        new("Host", "a name or an address", static (draft, text) => draft.Set(options => options with { Host = NotEmpty(text) })),
        new("Port", "a number from 1 to 65535", static (draft, text) => draft.Set(options => options with { Port = (int)Number(text, 1, 65_535) })),
        new("Token", "at most 8192 bytes", static (draft, text) => draft.Set(options => options with { Token = text })) { IsSecret = true },
        new("TokenFile", "the name of a file", static (draft, text) => draft.TokenFile = NotEmpty(text)),
        new("ConnectTimeout", TimeForm, static (draft, text) => draft.Set(options => options with { ConnectTimeout = Time(text) })),
        new("CloseTimeout", TimeForm, static (draft, text) => draft.Set(options => options with { CloseTimeout = Time(text) })),
        new("Resume", "true or false", static (draft, text) => draft.Set(options => options with { Resume = bool.Parse(text) })),
        new("Reconnect:InitialDelay", TimeForm, static (draft, text) => draft.SetReconnect(policy => policy with { InitialDelay = Time(text) })),
        new("Reconnect:MaxDelay", TimeForm, static (draft, text) => draft.SetReconnect(policy => policy with { MaxDelay = Time(text) })),
        new("Reconnect:MaxAttempts", "a number from 0 to 2147483647", static (draft, text) =>
            draft.SetReconnect(policy => policy with { MaxAttempts = (int)Number(text, 0, int.MaxValue) })),
        new("ReceiveBufferBytes", "a number from 1 on", static (draft, text) =>
            draft.Set(options => options with { ReceiveBufferBytes = Number(text, 1, long.MaxValue) })),
        new("SendBufferBytes", "a number from 1 on", static (draft, text) =>
            draft.Set(options => options with { SendBufferBytes = Number(text, 1, long.MaxValue) })),
        new("DiscardDeliveries", "true or false", static (draft, text) => draft.Set(options => options with { DiscardDeliveries = bool.Parse(text) })),
        new("DefaultRelayOptions", "None, BestEffort, Confirm, or BestEffort, Confirm", static (draft, text) =>
            draft.Set(options => options with { DefaultRelayOptions = ReadRelayOptions(text) })),
        new("Tls:Enabled", "true or false", static (draft, text) => draft.TlsEnabled = bool.Parse(text)),
        new("Tls:TargetHost", "a name", static (draft, text) => draft.SetTls(tls => tls with { TargetHost = NotEmpty(text) })),
        new("Tls:Pin", "sha256: and 64 hexadecimal digits", static (draft, text) =>
        {
            draft.SetTls(tls => tls with { Pin = NotEmpty(text) });
            Require(draft.Tls!.PinBytes is not null);
        }),
        new("Tls:AuthoritiesFile", "the name of a file with certificates in PEM", static (draft, text) =>
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(text);
            Require(authorities.Count > 0);
            draft.SetTls(tls => tls with { Authorities = authorities });
        }),
        new("Tls:CertificateFile", "the name of a file with a certificate in PEM", static (draft, text) => draft.CertificateFile = NotEmpty(text)),
        new("Tls:KeyFile", "the name of a file with its private key in PEM", static (draft, text) => draft.KeyFile = NotEmpty(text)),
    ];

    private const string TimeForm = "a time such as 00:00:10";

    /// <summary>Applies a section to options.</summary>
    /// <exception cref="OptionsValidationException">Something in it is invalid.</exception>
    public static HubClientOptions Read(IConfiguration configuration, HubClientOptions options)
    {
        string path = configuration is IConfigurationSection section ? section.Path + ConfigurationPath.KeyDelimiter : "";
        var draft = new Draft(options);
        var problems = new List<string>();
        foreach ((string name, string? text) in configuration.AsEnumerable(makePathsRelative: true))
        {
            // Sections have no value.
            if (text is null)
            {
                continue;
            }

            Key? key = All.FirstOrDefault(key => key.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (key is null)
            {
                problems.Add($"{path}{name} is not an option of the client; there are {string.Join(", ", All.Select(known => known.Name))}");
            }
            else
            {
                TryApply(path, key, text, draft, problems);
            }
        }

        HubClientOptions result = Finish(path, draft, problems);
        return problems.Count == 0 ? result : throw new OptionsValidationException(nameof(HubClientOptions), typeof(HubClientOptions), problems);
    }

    private static void TryApply(string path, Key key, string text, Draft draft, List<string> problems)
    {
        try
        {
            key.Apply(draft, text);
        }
        catch (Exception error) when (error is FormatException or OverflowException or ArgumentException)
        {
            problems.Add($"{path}{key.Name} is '{(key.IsSecret ? "***" : text)}'; it must be {key.Form}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            problems.Add($"{path}{key.Name} is '{text}'; it must be {key.Form}: {error.Message}");
        }
    }

    private static HubClientOptions Finish(string path, Draft draft, List<string> problems)
    {
        try
        {
            HubClientOptions options = draft.Finish();
            options.Validate();
            return options;
        }
        catch (Exception error) when (error is ArgumentException or IOException or UnauthorizedAccessException or CryptographicException)
        {
            problems.Add(error is ArgumentException ? $"{path}{error.Message}" : $"{path}Tls:CertificateFile is '{draft.CertificateFile}': {error.Message}");
            return draft.Options;
        }
    }

    private static string NotEmpty(string text)
    {
        Require(text.Length > 0);
        return text;
    }

    private static long Number(string text, long min, long max)
    {
        long number = long.Parse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
        Require(number >= min && number <= max);
        return number;
    }

    private static TimeSpan Time(string text)
    {
        // TimeSpan.Parse takes a bare number for days.
        Require(text.Contains(':', StringComparison.Ordinal));
        return TimeSpan.Parse(text, CultureInfo.InvariantCulture);
    }

    private static RelayOptions ReadRelayOptions(string text)
    {
        Require(!text.Any(char.IsAsciiDigit));
        return Enum.Parse<RelayOptions>(text, ignoreCase: true);
    }

    private static void Require(bool holds)
    {
        if (!holds)
        {
            throw new FormatException();
        }
    }

    /// <summary>One key.</summary>
    /// <param name="Name">Its key below the section.</param>
    /// <param name="Form">What a value must be, for errors.</param>
    /// <param name="Apply">Applies a value, or throws.</param>
    internal sealed record Key(string Name, string Form, Action<Draft, string> Apply)
    {
        /// <summary>Whether its value is never shown.</summary>
        public bool IsSecret { get; init; }
    }

    /// <summary>The options read so far.</summary>
    internal sealed class Draft(HubClientOptions options)
    {
        public HubClientOptions Options { get; private set; } = options;

        public HubTlsClientOptions? Tls { get; private set; }

        public bool? TlsEnabled { get; set; }

        public string? TokenFile { get; set; }

        public string? CertificateFile { get; set; }

        public string? KeyFile { get; set; }

        public void Set(Func<HubClientOptions, HubClientOptions> change) => Options = change(Options);

        public void SetReconnect(Func<ReconnectPolicy, ReconnectPolicy> change) => Set(options => options with { Reconnect = change(options.Reconnect ?? new()) });

        public void SetTls(Func<HubTlsClientOptions, HubTlsClientOptions> change) => Tls = change(Tls ?? Options.Tls ?? new());

        public HubClientOptions Finish()
        {
            if (KeyFile is not null && CertificateFile is null)
            {
                throw new ArgumentException("Tls:KeyFile is set; it must be that of Tls:CertificateFile, which is not");
            }

            if (CertificateFile is not null)
            {
                SetTls(tls => tls with { ClientCertificate = X509Certificate2.CreateFromPemFile(CertificateFile, KeyFile) });
            }

            if (TokenFile is { } file)
            {
                Set(options => options with { TokenProvider = token => ReadTokenAsync(file, token) });
            }

            bool speaksTls = TlsEnabled ?? (Tls ?? Options.Tls) is not null;
            return Options with { Tls = speaksTls ? Tls ?? Options.Tls ?? new() : null };
        }

        private static async ValueTask<string> ReadTokenAsync(string file, CancellationToken cancellationToken) =>
            (await File.ReadAllTextAsync(file, cancellationToken).ConfigureAwait(false)).TrimEnd('\r', '\n');
    }
}
