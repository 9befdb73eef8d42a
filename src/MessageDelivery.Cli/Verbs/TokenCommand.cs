using System.CommandLine;
using System.Globalization;
using MessageDelivery.Cli.Output;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Hub.Access;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds token</c>: the tokens that a hub with <c>--auth</c> lets in.</summary>
internal static class TokenCommand
{
    private static string FileVariable => AuthSettings.All.Single(setting => setting.Name == "auth-tokens").EnvironmentName;

    private static string AdminFileVariable => WebSettings.All.Single(setting => setting.Name == "admin-token-file").EnvironmentName;

    public static Command Create()
    {
        var command = new Command("token", "Make and take away the tokens that let users in.") { CreateAdd(), CreateList(), CreateRemove(), CreateJwt(), CreateAdmin() };
        CommandHelp.Add(
            command,
            "A hub with '--auth token' lets in whoever shows a secret of its file; only hashes are kept in that.",
            "mds token add alice --file tokens.json --out alice.token",
            "mds serve --auth token --auth-tokens tokens.json",
            "mds chat --token-file alice.token");
        return command;
    }

    private static Command CreateAdd()
    {
        var name = new Argument<string>("NAME") { Description = "What logs call its user." };
        var file = FileOption();
        var output = new SecretOutput("secret");
        var rights = new TokenRights();
        var command = new Command("add", "Add a token to the file and print its secret, once.") { name, file, output.Option };
        rights.AddTo(command);
        CommandHelp.Add(
            command,
            "The file is made if there is none, for its owner only. A running hub learns of it when it reads its files again.",
            "mds token add alice --file tokens.json --out alice.token",
            "mds token add sensor-7 --file tokens.json --out sensor.token --may-not-list --reach group --group plant --expires 365d");
        command.SetAction(arguments =>
        {
            string secret = TokenSecret.Create();
            var token = rights.Read(arguments, arguments.GetValue(name)!, TokenSecret.HashOf(secret));
            string path = Path(arguments, file);
            output.Write(arguments, secret, () => Use(() => TokenFile.Add(path, token)));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateList()
    {
        var file = FileOption();
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var command = new Command("list", "Print the tokens of the file: name, when they were made and end, and what they may.") { file, json };
        CommandHelp.Add(
            command,
            """
            Columns are separated by tabs. With --json: {"tokens":[{"name":"alice","created":"2027-01-31T12:00:00+00:00","send":true, and
            so on; what is not set is left out.
            """,
            "mds token list --file tokens.json",
            "mds token list --file tokens.json --json | jq '.tokens[].name'");
        command.SetAction(arguments =>
        {
            Use(() =>
            {
                var tokens = TokenFile.Load(Path(arguments, file)).Tokens;
                if (arguments.GetValue(json))
                {
                    JsonOutput.Write(new PrintedTokens([.. tokens.Select(PrintedToken.Of)]), OutputJson.Default.PrintedTokens);
                    return;
                }

                foreach (var token in tokens)
                {
                    string line = string.Join('\t', token.Name, Day(token.Created), token.Expires is { } end ? $"until {Day(end)}" : "no end", TokenRights.Describe(token));
                    Console.Out.WriteLine(line);
                }
            });
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateRemove()
    {
        var name = new Argument<string>("NAME") { Description = "Its name." };
        var file = FileOption();
        var command = new Command("remove", "Take a token out of the file.") { name, file };
        CommandHelp.Add(
            command, "Who came with it is removed from a running hub when that reads its files again.", "mds token remove alice --file tokens.json");
        command.SetAction(arguments =>
        {
            Use(() => TokenFile.Remove(Path(arguments, file), arguments.GetValue(name)!));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateJwt()
    {
        var secret = new Option<string?>("--secret") { HelpName = "FILE", Description = "Sign with HS256 and this secret." };
        var key = new Option<string?>("--key") { HelpName = "FILE", Description = "Sign with this private key in PEM: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA)." };
        var subject = new Option<string>("--sub") { HelpName = "NAME", Description = "Whose it is.", Required = true };
        var issuer = new Option<string>("--issuer") { HelpName = "TEXT", Description = "The hub's --jwt-issuer.", Required = true };
        var audience = new Option<string>("--audience") { HelpName = "TEXT", Description = "The hub's --jwt-audience.", Required = true };
        var keyId = new Option<string?>("--kid") { HelpName = "TEXT", Description = "The id of the key, where the hub's JWKS has several." };
        var output = new SecretOutput("token");
        var rights = new TokenRights();
        var command = new Command("jwt", "Print a JSON Web Token for trying a hub out, good for an hour unless --expires says otherwise.")
        {
            secret, key, subject, issuer, audience, keyId, output.Option,
        };
        rights.AddTo(command);
        CommandHelp.Add(
            command,
            "Real ones come from an issuer; nothing here keeps a record of what it signs.",
            "(umask 077; head -c 48 /dev/urandom | base64 > secret); mds token jwt --secret secret --sub alice --issuer me --audience hub --out alice.token");
        command.SetAction(arguments =>
        {
            string? secretFile = arguments.GetValue(secret), keyFile = arguments.GetValue(key);
            if (secretFile is null == keyFile is null)
            {
                throw new CommandException(ExitCode.Usage, "one of --secret and --key must say what to sign with");
            }

            var token = rights.Read(arguments, arguments.GetValue(subject)!, "");
            Use(() =>
            {
                var signer = secretFile is not null ? JwtSigner.LoadSecret(secretFile) : JwtSigner.LoadPrivateKey(keyFile!);
                string signed = signer.Sign(
                    claims =>
                    {
                        claims.WriteString("sub", token.Name);
                        claims.WriteString("iss", arguments.GetValue(issuer));
                        claims.WriteString("aud", arguments.GetValue(audience));
                        claims.WriteNumber("iat", token.Created.ToUnixTimeSeconds());
                        claims.WriteNumber("exp", (token.Expires ?? token.Created.AddHours(1)).ToUnixTimeSeconds());
                        TokenRights.WriteClaims(claims, token);
                    },
                    arguments.GetValue(keyId));
                output.Write(arguments, signed, () => { });
            });
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Command CreateAdmin()
    {
        var name = new Argument<string>("NAME") { Description = "What logs call it.", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = static _ => "admin" };
        var file = FileOption(AdminFileVariable);
        var output = new SecretOutput("secret");
        var expires = TokenRights.ExpiresOption();
        var command = new Command("admin", "Add an administrator's token to a file of its own and print its secret, once.") { name, file, expires.Option, output.Option };
        CommandHelp.Add(
            command,
            """
            Whoever shows it over HTTP (Authorization: Bearer SECRET) may read /metrics of a hub with '--admin-token-file' FILE. The file is made if there
            is none, for its owner only; it has hashes, and no users' tokens. 'mds token list' and 'mds token remove' take it as well.
            """,
            "mds token admin --file admin.json --out admin.token",
            "mds serve --admin-token-file admin.json",
            "curl -H \"Authorization: Bearer $(cat admin.token)\" http://127.0.0.1:8888/metrics");
        command.SetAction(arguments =>
        {
            string secret = TokenSecret.Create();
            var token = TokenRights.Admin(arguments.GetValue(name)!, TokenSecret.HashOf(secret), expires.Read(arguments));
            string path = Path(arguments, file, AdminFileVariable);
            output.Write(arguments, secret, () => Use(() => TokenFile.Add(path, token)));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Option<string?> FileOption(string? variable = null) => new("--file")
    {
        HelpName = "FILE",
        Description = $"The file of tokens. Default: {variable ?? FileVariable} from the environment.",
    };

    private static string Path(ParseResult arguments, Option<string?> file, string? variable = null) =>
        (arguments.GetValue(file) ?? Environment.GetEnvironmentVariable(variable ?? FileVariable)) is { Length: > 0 } path
            ? path
            : throw new CommandException(ExitCode.Usage, $"--file must name the file of tokens, or {variable ?? FileVariable} in the environment");

    private static void Use(Action action)
    {
        try
        {
            action();
        }
        catch (AccessFileException exception)
        {
            throw new CommandException(ExitCode.Usage, exception.Message);
        }
    }

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
