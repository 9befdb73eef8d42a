using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MessageDelivery.Web.Answers;

namespace MessageDelivery.Web.Pages;

/// <summary>The files of the folder Files, which are part of the program: each is served under its own name, <c>index.html</c> as <c>/</c>.</summary>
internal static class PageFiles
{
    private const string Index = "index.html";
    private const string None = "'none'";

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

    /// <summary>What a page may do: run and show what stands in it, what it names of this folder, and connect to where it came from.</summary>
    private static string Policy(string page)
    {
        string scripts = SourcesOf(page, "script", "<script src=");
        string own = scripts == None ? None : "'self'";
        return $"default-src 'none'; style-src {SourcesOf(page, "style", "<link rel=\"stylesheet\"")}; script-src {scripts}; connect-src {own}; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    private static string SourcesOf(string page, string element, string file)
    {
        var sources = new List<string>();
        for (int at = 0; (at = page.IndexOf($"<{element}>", at, StringComparison.Ordinal)) >= 0;)
        {
            at += element.Length + 2;
            int end = page.IndexOf($"</{element}>", at, StringComparison.Ordinal);
            sources.Add($"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(page[at..end])))}'");
            at = end;
        }

        if (page.Contains(file, StringComparison.Ordinal))
        {
            sources.Add("'self'");
        }

        return sources.Count > 0 ? string.Join(' ', sources) : None;
    }
}
