using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Linux;

namespace MessageDelivery.Cli.Settings;

/// <summary>What lets somebody in.</summary>
internal enum AuthMode
{
    /// <summary>Nothing is wanted.</summary>
    None,

    /// <summary>The secret of a token in a file.</summary>
    Token,

    /// <summary>A JSON Web Token.</summary>
    Jwt,
}

/// <summary>Who is let in. Immutable.</summary>
internal sealed record AuthSettings
{
    private static readonly string[] Modes = ["none", "token", "jwt"];

    public static readonly IReadOnlyList<Setting> All =
    [
        new("auth", "KIND", "none",
            "What lets users in: none is wanted, token (of --auth-tokens) or jwt (--jwt-keys or --jwt-secret).",
            static (settings, values) => Change(settings, auth => auth with { Mode = (AuthMode)HubSettings.OneOf(values[0], Modes) })),
        new("auth-tokens", "FILE", "none",
            "With --auth token: the file of tokens that 'mds token' writes.",
            static (settings, values) => Change(settings, auth => auth with { TokensFile = values[0] }))
        { File = FileUse.Read },
        new("jwt-keys", "FILE", "none",
            "With --auth jwt: public keys, a JWKS or PEM; RS256, ES256, EdDSA.",
            static (settings, values) => Change(settings, auth => auth with { KeysFile = values[0] }))
        { File = FileUse.Read },
        new("jwt-secret", "FILE", "none",
            "With --auth jwt: a secret for HS256, at least 32 bytes.",
            static (settings, values) => Change(settings, auth => auth with { SecretFile = values[0] }))
        { File = FileUse.Read },
        new("jwt-issuer", "TEXT", "none",
            "With --auth jwt, wanted: who must have issued a token (iss).",
            static (settings, values) => Change(settings, auth => auth with { Issuer = values[0] })),
        new("jwt-audience", "TEXT", "none",
            "With --auth jwt, wanted: for whom a token must be (aud).",
            static (settings, values) => Change(settings, auth => auth with { Audience = values[0] })),
        new("jwt-clock-skew", "TIME", Duration.Format(new AuthSettings().ClockSkew),
            "With --auth jwt: by how much clocks may differ.",
            static (settings, values) => Change(settings, auth => auth with
            {
                ClockSkew = HubSettings.Time(values[0], TimeSpan.Zero, JwtAuthenticator.MaxClockSkew),
            })),
    ];

    public AuthMode Mode { get; init; }

    public string? TokensFile { get; init; }

    public string? KeysFile { get; init; }

    public string? SecretFile { get; init; }

    public string? Issuer { get; init; }

    public string? Audience { get; init; }

    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Checks what no single setting can check: nothing that should keep people out may be without effect.</summary>
    /// <param name="named">A setting's name, with the place that it comes from.</param>
    /// <exception cref="CommandException">The settings do not go together.</exception>
    public void CheckTogether(Func<string, string> named)
    {
        bool isJwt = Mode == AuthMode.Jwt;
        Require(TokensFile is null || Mode == AuthMode.Token, $"{named("auth-tokens")} is set, which only --auth token uses");
        string[] jwt = [.. new[] { ("jwt-keys", KeysFile), ("jwt-secret", SecretFile), ("jwt-issuer", Issuer), ("jwt-audience", Audience) }
            .Where(setting => setting.Item2 is not null).Select(setting => named(setting.Item1))];
        Require(isJwt || jwt.Length == 0, $"{string.Join(" and ", jwt)} {(jwt.Length == 1 ? "is" : "are")} set, which only --auth jwt uses");
        Require(Mode != AuthMode.Token || TokensFile is not null, $"{named("auth")} is token: --auth-tokens must name the file of tokens; 'mds token add' makes one");
        Require(!isJwt || (KeysFile ?? SecretFile) is not null, $"{named("auth")} is jwt: --jwt-keys or --jwt-secret must name a file");
        Require(
            !isJwt || (Issuer is not null && Audience is not null),
            $"{named("auth")} is jwt: --jwt-issuer and --jwt-audience must say which tokens are meant for this hub");
    }

    /// <summary>Reads the files.</summary>
    /// <exception cref="CommandException">A file cannot be used.</exception>
    public LoadedAuthenticator Load()
    {
        // Before they are read: what is written after that has not been read.
        string fingerprint = FileContents.Read(Paths).Fingerprint;
        try
        {
            switch (Mode)
            {
                case AuthMode.Token:
                    return new(new TokenAuthenticator(UsersOf(TokenFile.Load(TokensFile!))), fingerprint, []);
                case AuthMode.Jwt:
                    JwtKeys[] keys = [.. Keys()];
                    var authenticator = new JwtAuthenticator(new() { Keys = keys, Issuer = Issuer!, Audience = Audience!, ClockSkew = ClockSkew });
                    return new(authenticator, fingerprint, [.. keys.SelectMany(file => file.Skipped).Select(why => $"{KeysFile}: {why}")]);
                default:
                    return new(null, "", []);
            }
        }
        catch (AccessFileException exception)
        {
            throw new CommandException(ExitCode.Usage, exception.Message);
        }
    }

    private static TokenFile UsersOf(TokenFile file) => file.Tokens.FirstOrDefault(token => token.IsAdmin) is { } admin
        ? throw new AccessFileException($"{file.Path} has '{admin.Name}', which is an administrator's token and no user's: --admin-token-file is for those")
        : file;

    private IEnumerable<string> Paths => new[] { TokensFile, KeysFile, SecretFile }.OfType<string>();

    private IEnumerable<JwtKeys> Keys()
    {
        if (KeysFile is not null)
        {
            yield return JwtKeys.LoadPublic(KeysFile);
        }

        if (SecretFile is not null)
        {
            yield return JwtKeys.LoadSecret(SecretFile);
        }
    }

    private static ServeSettings Change(ServeSettings settings, Func<AuthSettings, AuthSettings> change) =>
        settings with { Auth = change(settings.Auth) };

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new CommandException(ExitCode.Usage, otherwise);
        }
    }
}

/// <summary>Who is let in, as the files have said it.</summary>
/// <param name="Authenticator">Null if nothing is wanted of users.</param>
/// <param name="Fingerprint">Of what the files held; empty where there are none.</param>
/// <param name="Skipped">What in the files cannot be used, one line each.</param>
internal sealed record LoadedAuthenticator(IAuthenticator? Authenticator, string Fingerprint, IReadOnlyList<string> Skipped);
