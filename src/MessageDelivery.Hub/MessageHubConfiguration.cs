using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MessageDelivery.Hub;

/// <summary>
/// Reads <see cref="MessageHubOptions"/> from a section of an application's configuration, by one table and without reflection. Every
/// problem is told, and names the key, the value and what it may be.
/// </summary>
internal static class MessageHubConfiguration
{
    private const string TimeForm = "a time such as 00:00:10";
    private const string NumberForm = "a whole number";
    private const string SwitchForm = "true or false";
    private const string ModeForm = "Off, Optional or Required";

    /// <summary>Everything that can be set. docs/hosting.md has a row for each.</summary>
    public static readonly IReadOnlyList<Key> All =
    [
        new("Listen", "an address and port such as 127.0.0.1:8888 or [::1]:8888", static (draft, text) => draft.Listen.Add(Endpoint(text))) { IsList = true },
        new("AllowAnonymous", SwitchForm, static (draft, text) => draft.Set(options => options with { AllowAnonymous = bool.Parse(text) })),
        .. HubOption.All.Select(Key.Of),
        new("Tls:Mode", ModeForm, static (draft, text) => draft.TlsMode = OneOf<HubTlsMode>(text)),
        new("Tls:CertificateFile", "the name of a file with certificates in PEM", static (draft, text) => draft.Certificates = Certificates(draft.CertificateFile = text)),
        new("Tls:KeyFile", "the name of a file with the private key in PEM", static (draft, text) => draft.KeyFile = NotEmpty(text)),
        new("Tls:ClientCertificates", ModeForm, static (draft, text) => draft.ClientCertificates = OneOf<HubClientCertificates>(text)),
        new("Tls:ClientAuthoritiesFile", "the name of a file with certificates in PEM", static (draft, text) => draft.ClientAuthorities = Certificates(text)),
        new("Http:AllowedHosts", HubHttpOptions.HostForm, static (draft, text) => draft.Hosts.Add(Checked(text, HubHttpOptions.IsHost))) { IsList = true },
        new("Http:AllowedOrigins", HubHttpOptions.OriginForm, static (draft, text) => draft.Origins.Add(Checked(text, HubHttpOptions.IsOrigin))) { IsList = true },
        new("Http:TrustedProxies", HubHttpOptions.NetworkForm, static (draft, text) => draft.Proxies.Add(Network(text))) { IsList = true },
        new("Tls:HandshakeThreads", NumberForm, static (draft, text) => draft.Set(options => options with { Tls = options.Tls with { HandshakeThreads = Integer(text) } })),
    ];

    /// <summary>Changes options by what a section says.</summary>
    /// <exception cref="OptionsValidationException">Something in it cannot be.</exception>
    public static MessageHubOptions Read(IConfiguration configuration, MessageHubOptions options)
    {
        string path = configuration is IConfigurationSection section ? section.Path + ConfigurationPath.KeyDelimiter : "";
        var draft = new Draft(options);
        var problems = new List<string>();

        // A section has no value of its own, and null says nothing. The tenth of a list comes behind the second.
        foreach ((string name, string? text) in configuration.AsEnumerable(makePathsRelative: true).Where(pair => pair.Value is not null)
            .OrderBy(pair => pair.Key.Length).ThenBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (All.FirstOrDefault(key => key.Is(name)) is { } key)
            {
                TryApply(path + name, key, text!, draft, problems);
            }
            else
            {
                problems.Add($"{path}{name} is not an option of the hub; there are {string.Join(", ", All.Select(known => known.Name))}");
            }
        }

        MessageHubOptions result = Finish(path, draft, problems);
        return problems.Count == 0 ? result : throw new OptionsValidationException(nameof(MessageHubOptions), typeof(MessageHubOptions), problems);
    }

    private static void TryApply(string name, Key key, string text, Draft draft, List<string> problems)
    {
        try
        {
            key.Apply(draft, text);
        }
        catch (Exception error) when (error is FormatException or OverflowException or ArgumentException)
        {
            problems.Add($"{name} is '{text}'; it must be {key.Form}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            problems.Add($"{name} is '{text}'; it must be {key.Form}: {error.Message}");
        }
    }

    private static MessageHubOptions Finish(string path, Draft draft, List<string> problems)
    {
        try
        {
            MessageHubOptions options = draft.Finish();

            // Who is let in may yet be said in code.
            (options with { AllowAnonymous = true, Authenticator = null }).Validate();
            return options;
        }
        catch (ArgumentException error)
        {
            problems.Add(path + error.Message.ReplaceLineEndings(" "));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            problems.Add($"{path}Tls:CertificateFile is '{draft.CertificateFile}': {error.Message}");
        }

        return draft.Options;
    }

    private static IPEndPoint Endpoint(string text)
    {
        // TryParse takes "1234" for an address, and "::1:8888" for one without a port.
        int colon = text.LastIndexOf(':');
        Require(colon > 0 && (text[colon - 1] == ']' || text.Count('.') == 3));
        Require(ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return IPEndPoint.Parse(text);
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);

    private static int Integer(string text) => checked((int)Number(text));

    private static TimeSpan Time(string text)
    {
        // A bare number would be days.
        Require(text.Contains(':', StringComparison.Ordinal));
        return TimeSpan.Parse(text, CultureInfo.InvariantCulture);
    }

    private static long Word(HubOption option, string text)
    {
        int place = option.WordsInCode.ToList().FindIndex(word => word.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase));
        Require(place >= 0);
        return place;
    }

    private static T OneOf<T>(string text)
        where T : struct, Enum
    {
        Require(!text.Any(char.IsAsciiDigit) && !text.Contains(',', StringComparison.Ordinal));
        return Enum.Parse<T>(text, ignoreCase: true);
    }

    private static string NotEmpty(string text)
    {
        Require(text.Length > 0);
        return text;
    }

    private static string Checked(string text, Func<string, bool> isRight)
    {
        Require(isRight(text));
        return text;
    }

    private static IPNetwork Network(string text)
    {
        Require(HubHttpOptions.TryReadNetwork(text, out var network));
        return network;
    }

    private static X509Certificate2Collection Certificates(string file)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(NotEmpty(file));
        Require(certificates.Count > 0);
        return certificates;
    }

    private static void Require(bool holds)
    {
        if (!holds)
        {
            throw new FormatException();
        }
    }

    /// <summary>One thing that can be set.</summary>
    /// <param name="Name">Its key below the section.</param>
    /// <param name="Form">What a value must be, for errors.</param>
    /// <param name="Apply">Takes a value, or throws.</param>
    internal sealed record Key(string Name, string Form, Action<Draft, string> Apply)
    {
        /// <summary>Whether it may be a list, <c>Name:0</c>, <c>Name:1</c> and so on.</summary>
        public bool IsList { get; init; }

        public static Key Of(HubOption option) => option.Kind switch
        {
            HubOptionKind.Time or HubOptionKind.WholeSeconds => new(option.Key, TimeForm, (draft, text) => draft.Set(options => option.With(options, Time(text).Ticks))),
            HubOptionKind.Word => new(option.Key, string.Join(" or ", option.WordsInCode), (draft, text) => draft.Set(options => option.With(options, Word(option, text)))),
            _ => new(option.Key, NumberForm, (draft, text) => draft.Set(options => option.With(options, Number(text)))),
        };

        public bool Is(string name) => name.Equals(Name, StringComparison.OrdinalIgnoreCase)
            || (IsList && name.StartsWith(Name + ConfigurationPath.KeyDelimiter, StringComparison.OrdinalIgnoreCase)
                && int.TryParse(name.AsSpan(Name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _));
    }

    /// <summary>What has been read so far.</summary>
    internal sealed class Draft(MessageHubOptions options)
    {
        public MessageHubOptions Options { get; private set; } = options;

        public List<IPEndPoint> Listen { get; } = [];

        public List<string> Hosts { get; } = [];

        public List<string> Origins { get; } = [];

        public List<IPNetwork> Proxies { get; } = [];

        public HubTlsMode? TlsMode { get; set; }

        public string? CertificateFile { get; set; }

        public X509Certificate2Collection? Certificates { get; set; }

        public string? KeyFile { get; set; }

        public HubClientCertificates? ClientCertificates { get; set; }

        public X509Certificate2Collection? ClientAuthorities { get; set; }

        public void Set(Func<MessageHubOptions, MessageHubOptions> change) => Options = change(Options);

        private static List<T>? NullIfEmpty<T>(List<T> list) => list.Count > 0 ? list : null;

        public MessageHubOptions Finish()
        {
            if (KeyFile is not null && CertificateFile is null)
            {
                throw new ArgumentException("Tls:KeyFile is set; it must be that of Tls:CertificateFile, which is not");
            }

            HubTlsOptions tls = Options.Tls;
            if (Certificates is { } chain)
            {
                tls = tls with
                {
                    Mode = HubTlsMode.Optional,
                    Certificates = new(X509Certificate2.CreateFromPemFile(CertificateFile!, KeyFile)) { Intermediates = [.. chain.Skip(1)] },
                };
            }

            if (ClientAuthorities is { } authorities)
            {
                HubCertificates certificates = tls.Certificates ?? throw new ArgumentException("Tls:ClientAuthoritiesFile is set, and there is no Tls:CertificateFile");
                tls = tls with { ClientCertificates = HubClientCertificates.Required, Certificates = certificates with { ClientAuthorities = authorities } };
            }

            return Options with
            {
                Listen = Listen.Count > 0 ? Listen : Options.Listen,
                Http = Hosts.Count + Origins.Count + Proxies.Count == 0
                    ? Options.Http
                    : Options.Http.With(NullIfEmpty(Hosts), NullIfEmpty(Origins), NullIfEmpty(Proxies)),
                Tls = tls with { Mode = TlsMode ?? tls.Mode, ClientCertificates = ClientCertificates ?? tls.ClientCertificates },
            };
        }
    }
}
