using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MessageDelivery.Web.Answers;

namespace MessageDelivery.Web.Pages;

/// <summary>The files of the folder Files, which are part of the program: each is served under its own name, <c>index.html</c> as <c>/</c>.</summary>
internal static class PageFiles
{
    private const string Index = "index.html";

    private static readonly Dictionary<string, string> ContentTypes = new(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    public static IEnumerable<Route> Routes => typeof(PageFiles).Assembly.GetManifestResourceNames().Select(static name => Load(name).Route);

    private static PageFile Load(string name)
    {
        using var stream = typeof(PageFiles).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is no part of the program.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new(
            name == Index ? "/" : $"/{name}",
            ContentTypes[Path.GetExtension(name)],
            bytes,
            $"\"{Base64Url.EncodeToString(SHA256.HashData(bytes).AsSpan(0, 12))}\"",
            Policy(Encoding.UTF8.GetString(bytes)));
    }

    /// <summary>What a page may do: run and show what stands in it, and connect to where it came from.</summary>
    private static string Policy(string page) =>
        $"default-src 'none'; style-src {HashesOf(page, "style")}; script-src {HashesOf(page, "script")}; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static string HashesOf(string page, string element)
    {
        var hashes = new List<string>();
        for (int at = 0; (at = page.IndexOf($"<{element}>", at, StringComparison.Ordinal)) >= 0;)
        {
            at += element.Length + 2;
            int end = page.IndexOf($"</{element}>", at, StringComparison.Ordinal);
            hashes.Add($"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(page[at..end])))}'");
            at = end;
        }

        return hashes.Count > 0 ? string.Join(' ', hashes) : "'self'";
    }
}
