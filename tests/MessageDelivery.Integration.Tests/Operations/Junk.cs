using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>What may stand where a good file should, each with a name: made from the good one with a seed, so that it is the same each time.</summary>
internal static class Junk
{
    private static readonly string[] Texts =
    [
        "{}", "[]", "null", "0", "\"text\"", "{\"error\":{\"code\":503,\"message\":\"try later\"}}", "<html><body>502 Bad Gateway</body></html>",
        "{\"keys\":[]}", "{\"keys\":{}}", "{\"keys\":null}", "{\"keys\":[null,1,\"x\",[],{}]}", "{\"keys\":[{\"kty\":7}]}", "{\"keys\":[{\"kty\":\"RSA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}]}", "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"****\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AAAA\"}]}", "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}]}", "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"//////////////////////////////////////////8\"}]}",
        "{\"keys\":[{\"kty\":\"\\ud800\",\"kid\":\"\\ud800\"}]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "{\"keys\":[],\"keys\":[]}",
        "{\"tokens\":null}", "{\"tokens\":[null]}", "{\"tokens\":{}}", "{\"tokens\":[{}]}", "{\"tokens\":[{\"name\":null,\"hash\":null}]}",
        "{\"tokens\":[{\"name\":\"a\",\"hash\":\"00\"}]}", "{\"tokens\":[{\"name\":\"\\ud800\",\"hash\":\"\"}]}",
        "{\"tokens\":[{\"name\":\"a\",\"hash\":\"" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "\",\"relaysPerSecond\":1e400}]}",
        "{\"tokens\":[{\"name\":\"a\",\"hash\":\"" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "\",\"expires\":\"9999-12-31T23:59:59-14:00\"}]}",
        "{\"port\":{}}", "{\"listen\":{\"a\":1}}", "{\"port\":1e999}", "{\"port\":\"\\u0000\"}", "{\"tlsCert\":\"\\u0000\"}", "{\"auditLog\":\"\\u0000\"}",
        "{\"authTokens\":\"a\\u0000b\",\"auth\":\"token\"}", "{\"port\":1,\"port\":2}", "{\"\":\"\"}", "{\"logLevel\":[]}", "{\"listen\":[null]}", "{\"listen\":[[[[1]]]]}",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n****\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----", "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----",
        "0\u0080", "\n\n\n", " ", "\u0000",
    ];

    /// <summary>What is no file at all, or none that can be read, as a shell makes it in place of <c>$0</c>.</summary>
    private static readonly (string Name, string Command)[] Others =
    [
        ("nothing", "true"), ("a directory", "mkdir \"$0\""), ("a FIFO that nobody writes to", "mkfifo -m 600 \"$0\""), ("a link to itself", "ln -s \"$0\" \"$0\""),
        ("a device without end", "ln -s /dev/zero \"$0\""), ("a device that is empty", "ln -s /dev/null \"$0\""), ("a file of a process", "ln -s /proc/self/mem \"$0\""),
        ("a file of 1 TiB", "truncate -s 1T \"$0\"; chmod 600 \"$0\""), ("a socket's folder", "ln -s /proc/self/fd \"$0\""),
    ];

    public static IEnumerable<string> OtherNames => Others.Select(other => other.Name);

    /// <summary>Contents that have nothing to do with the good one, and such as come of an accident with it.</summary>
    public static IEnumerable<(string Name, byte[] Content)> Of(byte[] good)
    {
        yield return ("empty", []);
        foreach (string text in Texts)
        {
            yield return (text, Encoding.UTF8.GetBytes(text));
        }

        yield return ("deep", Encoding.UTF8.GetBytes(new string('[', 100_000)));
        yield return ("deep objects", Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"keys\":[{\"tokens\":[", 20_000))));
        yield return ("2 MiB of text", Encoding.UTF8.GetBytes("{\"keys\":\"" + new string('x', 2 << 20) + "\"}"));
        yield return ("17 MiB", new byte[17 << 20]);
        yield return ("UTF-16", Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(good))).ToArray());
        yield return ("UTF-32", Encoding.UTF32.GetPreamble().Concat(Encoding.UTF32.GetBytes(Encoding.UTF8.GetString(good))).ToArray());
        yield return ("twice", [.. good, .. good]);
        byte[] noise = new byte[4_096];
        new Random(1).NextBytes(noise);
        yield return ("noise", noise);
    }

    /// <summary>The good one with a few things changed.</summary>
    public static byte[] Mutate(byte[] good, int seed)
    {
        var random = new Random(seed);
        var bytes = new List<byte>(good);
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(bytes.Count + 1), length = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0: bytes.RemoveRange(at, bytes.Count - at); break;
                case 1: bytes.RemoveRange(at, length); break;
                case 2: bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(at, length)); break;
                case 3: bytes.InsertRange(at, Encoding.UTF8.GetBytes(Texts[random.Next(Texts.Length)])); break;
                case 4: bytes.InsertRange(at, Encoding.UTF8.GetBytes(random.Next(-5, 5).ToString(CultureInfo.InvariantCulture))); break;
                case 5 when at < bytes.Count: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 6 when at < bytes.Count: bytes[at] = (byte)random.Next(256); break;
                default: bytes.AddRange(bytes.GetRange(at, length)); break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Puts something that is no file in the place of one.</summary>
    public static void Make(string name, string path)
    {
        using var shell = Process.Start("/bin/sh", ["-c", Others.Single(other => other.Name == name).Command, path]);
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }
}
