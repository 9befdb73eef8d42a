namespace MessageDelivery.Hub.Access;

/// <summary>
/// The keys with which JSON Web Tokens are verified: public ones from a JWKS (RFC 7517) or PEM, or a secret. Each has one algorithm:
/// RS256 for RSA, ES256 for P-256, EdDSA for Ed25519, HS256 for a secret.
/// </summary>
public sealed class JwtKeys
{
    /// <summary>The most keys of a file.</summary>
    public const int MaxKeys = 64;

    private JwtKeys(IReadOnlyList<JwtKey> keys, IReadOnlyList<string> skipped) => (Keys, Skipped) = (keys, skipped);

    /// <summary>What of the file is not used, and why, one line each: keys that are weak, damaged, or of a kind that verifies nothing here.</summary>
    public IReadOnlyList<string> Skipped { get; }

    internal IReadOnlyList<JwtKey> Keys { get; }

    /// <summary>
    /// Reads public keys: a JWKS if the file begins with a brace, else PEM. Others may read the file, but not change it. A key that cannot be
    /// used is left out (<see cref="Skipped"/>), as long as there are others; a secret or a private key in it is an error.
    /// </summary>
    /// <exception cref="AccessFileException">The file cannot be used; the message says why.</exception>
    public static JwtKeys LoadPublic(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = JwtKeyFile.Read(path, SecretFile.Read(path, isSecret: false));
        if (file.Keys.Count > MaxKeys)
        {
            throw new AccessFileException($"{path} has {file.Keys.Count} keys that verify tokens; at most {MaxKeys} are possible");
        }

        return file.Keys.Count > 0
            ? new(file.Keys, file.Skipped)
            : throw new AccessFileException($"{path} has no key that can be used{(file.Skipped.Count > 0 ? $": {file.Skipped[0]}" : "")}");
    }

    /// <summary>Reads a secret: all bytes of the file, without a line end at its end; at least 32. Others must not read it.</summary>
    /// <exception cref="AccessFileException">The file cannot be used; the message says why.</exception>
    public static JwtKeys LoadSecret(string path) => new([JwtKey.OfSecret(ReadSecret(path))], []);

    internal static byte[] ReadSecret(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] secret = SecretFile.Read(path, isSecret: true);
        var text = secret.AsSpan();
        text = text.EndsWith("\r\n"u8) ? text[..^2] : text.EndsWith("\n"u8) ? text[..^1] : text;
        if (text.StartsWith("-----BEGIN"u8))
        {
            throw new AccessFileException($"{path} is PEM: a key of that kind is no secret for HS256");
        }

        return text.Length >= JwtKey.MinSecretBytes
            ? text.ToArray()
            : throw new AccessFileException($"{path} has a secret of {text.Length} bytes; it must have at least {JwtKey.MinSecretBytes}");
    }
}
