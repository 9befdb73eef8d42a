using MessageDelivery.Hub;

namespace MessageDelivery.Cli.Settings;

/// <summary>The settings of TLS.</summary>
internal static class TlsSettings
{
    private static readonly string[] Modes = ["off", "optional", "required"];

    public static readonly IReadOnlyList<Setting> All =
    [
        new("tls", "MODE", "optional with a certificate, else off",
            "TLS on the same port: off, optional, or required.",
            static (settings, values) => settings with { Tls = settings.Tls with { Mode = (HubTlsMode)Mode(values[0]) } }),
        new("tls-cert", "FILE", "none",
            "The hub's certificate in PEM, with those between it and one that clients trust behind it.",
            static (settings, values) => settings with { Tls = settings.Tls with { Certificate = values[0] } })
        { File = FileUse.Read },
        new("tls-key", "FILE", "in the file of --tls-cert",
            "The private key in PEM, not encrypted.",
            static (settings, values) => settings with { Tls = settings.Tls with { Key = values[0] } })
        { File = FileUse.Read },
        new("tls-pkcs12", "FILE", "none",
            "Certificate and private key in PKCS#12, instead of --tls-cert and --tls-key.",
            static (settings, values) => settings with { Tls = settings.Tls with { Pkcs12 = values[0] } })
        { File = FileUse.Read },
        new("tls-pkcs12-password-file", "FILE", "no password",
            "The file whose first line is the password of --tls-pkcs12.",
            static (settings, values) => settings with { Tls = settings.Tls with { Pkcs12PasswordFile = values[0] } })
        { File = FileUse.Read },
        new("tls-client-ca", "FILE", "none",
            "Who may have signed clients' certificates, in PEM.",
            static (settings, values) => settings with { Tls = settings.Tls with { ClientAuthorities = values[0] } })
        { File = FileUse.Read },
        new("tls-client-cert", "MODE", "required with --tls-client-ca, else off",
            "Whether clients show a certificate: off, optional, or required.",
            static (settings, values) => settings with
            {
                Tls = settings.Tls with { ClientCertificates = (HubClientCertificates)Mode(values[0]) },
            }),
        new("dev-tls", "BOOL", "false",
            "Make a throw-away certificate for localhost, to try TLS out.",
            static (settings, values) => settings with { Tls = settings.Tls with { IsThrowAway = HubSettings.Switch(values[0]) } })
        { IsSwitch = true },
    ];

    private static int Mode(string text) => HubSettings.OneOf(text, Modes);
}

/// <summary>How <c>mds serve</c> was told to speak TLS. Immutable.</summary>
internal sealed record TlsFiles
{
    /// <summary>Null: optional where there is a certificate, else off.</summary>
    public HubTlsMode? Mode { get; init; }

    public string? Certificate { get; init; }

    public string? Key { get; init; }

    public string? Pkcs12 { get; init; }

    public string? Pkcs12PasswordFile { get; init; }

    public string? ClientAuthorities { get; init; }

    /// <summary>Null: required where there are authorities, else off.</summary>
    public HubClientCertificates? ClientCertificates { get; init; }

    public bool IsThrowAway { get; init; }

    public HubTlsMode EffectiveMode => Mode ?? (HasCertificate ? HubTlsMode.Optional : HubTlsMode.Off);

    public HubClientCertificates EffectiveClientCertificates =>
        ClientCertificates ?? (ClientAuthorities is null ? HubClientCertificates.Off : HubClientCertificates.Required);

    /// <summary>All files that are read.</summary>
    public IEnumerable<string> Paths => new[] { Certificate, Key, Pkcs12, Pkcs12PasswordFile, ClientAuthorities }.OfType<string>();

    private bool HasCertificate => IsThrowAway || Certificate is not null || Pkcs12 is not null;

    /// <summary>Checks what no single setting can check.</summary>
    /// <param name="named">A setting's name, with the place that it comes from.</param>
    /// <exception cref="CommandException">The settings do not go together.</exception>
    public void CheckTogether(Func<string, string> named)
    {
        string[] shown = [.. new[] { ("dev-tls", IsThrowAway), ("tls-cert", Certificate is not null), ("tls-pkcs12", Pkcs12 is not null) }
            .Where(setting => setting.Item2).Select(setting => named(setting.Item1))];
        Refuse(shown.Length > 1, $"{string.Join(" and ", shown)} exclude each other: a hub shows one certificate");
        Refuse(Key is not null && Certificate is null, $"{named("tls-key")} is set without tls-cert");
        Refuse(Pkcs12PasswordFile is not null && Pkcs12 is null, $"{named("tls-pkcs12-password-file")} is set without tls-pkcs12");
        Refuse(EffectiveMode != HubTlsMode.Off && !HasCertificate,
            $"{named("tls")} is {Name(EffectiveMode)}, and there is no certificate: --tls-cert and --tls-key, --tls-pkcs12 or --dev-tls name one");
        Refuse(EffectiveClientCertificates != HubClientCertificates.Off && ClientAuthorities is null,
            $"{named("tls-client-cert")} is {Name(EffectiveClientCertificates)}, and tls-client-ca names nobody who may have signed them");
        Refuse(EffectiveMode == HubTlsMode.Off && EffectiveClientCertificates != HubClientCertificates.Off,
            $"clients cannot show certificates ({named(ClientCertificates is null ? "tls-client-ca" : "tls-client-cert")}) while tls is off");
    }

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static void Refuse(bool isWrong, string why)
    {
        if (isWrong)
        {
            throw new CommandException(ExitCode.Usage, why);
        }
    }
}
