using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using MessageDelivery.Web.Answers;

namespace MessageDelivery.Web.Pages;

/// <summary>The files of the folder Files, which are part of the program: each is served under its own name, an <c>index.html</c> as its folder.</summary>
internal static partial class PageFiles
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

    /// <summary>What a page may do: run and show what stands in it, what it names of the hub's own files, and connect to where it came from.</summary>
    public static string Policy(string page)
    {
        string styles = SourcesOf(page, StyleElement(), OwnStyle()), scripts = SourcesOf(page, ScriptElement(), OwnScript());
        string connections = scripts == None ? None : "'self'";
        return $"default-src 'none'; style-src {styles}; script-src {scripts}; connect-src {connections}; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    private static PageFile Load(string name)
    {
        using var stream = typeof(PageFiles).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is no part of the program.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new(
            $"/{(name.EndsWith(Index, StringComparison.Ordinal) ? name[..^Index.Length] : name)}",
            ContentTypes[Path.GetExtension(name)],
            bytes,
            $"\"{Base64Url.EncodeToString(SHA256.HashData(bytes).AsSpan(0, 12))}\"",
            Policy(Encoding.UTF8.GetString(bytes)));
    }

    private static string SourcesOf(string page, Regex element, Regex own)
    {
        var sources = element.Matches(page).Select(static match => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(match.Groups[1].Value)))}'").ToList();
        if (own.IsMatch(page))
        {
            sources.Add("'self'");
        }

        return sources.Count > 0 ? string.Join(' ', sources) : None;
    }

    [GeneratedRegex("<style[^>]*>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex StyleElement();

    [GeneratedRegex("<script(?![^>]*\\ssrc=)[^>]*>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex ScriptElement();

    [GeneratedRegex("<link[^>]*\\srel=\"stylesheet\"")]
    private static partial Regex OwnStyle();

    // A script that is named, or one that a module in the page imports.
    [GeneratedRegex("<script[^>]*\\ssrc=|\\bimport\\b[^;]*\"\\./")]
    private static partial Regex OwnScript();
}
