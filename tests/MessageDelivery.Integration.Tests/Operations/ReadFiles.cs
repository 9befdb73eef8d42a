using System.Security.Cryptography.X509Certificates;
using System.Text;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>A good file of each kind that a hub reads, in a folder of its own, with the options that make it read that.</summary>
internal sealed class ReadFiles : IDisposable
{
    /// <summary>What names the configuration file; it is no setting, since it cannot stand in itself.</summary>
    public const string Configuration = "config";

    /// <summary>
    /// The files that a hub reads, each under its setting, and behind a slash one of several forms. A setting that names a file and is
    /// missing here fails <c>JunkFileTests.Every_file_that_is_read_has_a_trial</c>.
    /// </summary>
    public static readonly IReadOnlyList<string> Trials =
    [
        Configuration, "auth-tokens", "jwt-keys/jwks", "jwt-keys/pem", "jwt-secret", "tls-cert", "tls-key", "tls-pkcs12", "tls-pkcs12-password-file",
        "tls-client-ca", "admin-token-file",
    ];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("files");

    public ReadFiles(string trial)
    {
        string form = trial.Contains('/', StringComparison.Ordinal) ? trial[(trial.IndexOf('/', StringComparison.Ordinal) + 1)..] : "";
        string setting = trial.Split('/')[0];
        Options = ["--port", "0", $"--{setting}", Path, .. Others(setting)];
        Good = Content(setting, form);
        Put(Good);
    }

    /// <summary>The file.</summary>
    public string Path => System.IO.Path.Combine(_folder.FullName, "file");

    /// <summary>What it holds when all is well.</summary>
    public byte[] Good { get; }

    /// <summary>What makes a hub read it.</summary>
    public IReadOnlyList<string> Options { get; }

    /// <summary>Puts something else in its place, as an editor or <c>mv</c> would.</summary>
    public void Put(byte[] content)
    {
        Remove();
        Write("file", content);
    }

    /// <summary>Leaves nothing in its place.</summary>
    public void Remove()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path);
        }

        File.Delete(Path);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static X509Certificate2 Certificate => TestCertificates.Hub;

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Key => Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    private static string Chain => $"{Certificate.ExportCertificatePem()}\n{TestCertificates.Authority.ExportCertificatePem()}\n";

    private static byte[] Content(string setting, string form)
    {
        switch (setting)
        {
            case Configuration:
                return Bytes("""{ "logLevel": "information", "queueLimit": "1MiB", "echoRate": 100000, "allowAnonymous": false /* why */ }""");
            case "auth-tokens":
                using (var tokens = new Tokens())
                {
                    tokens.Add("alice");
                    tokens.Add("bob", token => token with { Group = "crew", RelaysPerSecond = 5, Expires = DateTimeOffset.UtcNow.AddDays(1) });
                    return File.ReadAllBytes(tokens.Path);
                }

            case "admin-token-file":
                using (var tokens = new Tokens())
                {
                    tokens.Add("alice", token => token with { IsAdmin = true });
                    return File.ReadAllBytes(tokens.Path);
                }

            case "jwt-keys":
                using (var jwt = new Jwt())
                {
                    return Bytes(form == "jwks" ? jwt.Jwks() : string.Join('\n', ((string[])["rsa.pub", "es.pub", "ed.pub"]).Select(name => File.ReadAllText(jwt[name]))));
                }

            case "jwt-secret":
                return Bytes(new string('s', 64) + "\n");
            case "tls-cert":
                return Bytes(Chain);
            case "tls-key":
                return Bytes(Key);
            case "tls-pkcs12":
                return Certificate.Export(X509ContentType.Pkcs12);
            case "tls-pkcs12-password-file":
                return Bytes("password\nand more\n");
            case "tls-client-ca":
                return Bytes(TestCertificates.Authority.ExportCertificatePem());
            default:
                throw new ArgumentOutOfRangeException(nameof(setting), setting, "There is no such trial.");
        }
    }

    private string[] Others(string setting)
    {
        string[] jwt = ["--auth", "jwt", "--jwt-issuer", Jwt.Issuer, "--jwt-audience", Jwt.Audience];
        return setting switch
        {
            "auth-tokens" => ["--auth", "token"],
            "jwt-keys" or "jwt-secret" => jwt,
            "tls-cert" => ["--tls-key", Write("key", Bytes(Key))],
            "tls-key" => ["--tls-cert", Write("cert", Bytes(Chain))],
            "tls-pkcs12-password-file" => ["--tls-pkcs12", Write("pkcs12", Certificate.Export(X509ContentType.Pkcs12, "password"))],
            "tls-client-ca" => ["--tls-cert", Write("cert", Bytes(Chain)), "--tls-key", Write("key", Bytes(Key))],
            _ => [],
        };
    }

    private string Write(string name, byte[] content)
    {
        string path = System.IO.Path.Combine(_folder.FullName, name);
        File.WriteAllBytes(path, content);
        Modes.Set(path, 0b110_000_000);
        return path;
    }
}
