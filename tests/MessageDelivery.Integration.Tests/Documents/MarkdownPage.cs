using System.Text.RegularExpressions;

namespace MessageDelivery.Integration.Tests.Documents;

/// <summary>A page in Markdown: where its links lead, what it quotes as code, and what can be linked to.</summary>
internal sealed partial class MarkdownPage
{
    private readonly string _file;
    private readonly List<string> _lines = [];

    public MarkdownPage(string file)
    {
        _file = Path.GetFullPath(file);
        bool isCode = false;
        foreach (string line in File.ReadLines(file))
        {
            bool isFence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            isCode ^= isFence;
            if (!isCode && !isFence)
            {
                _lines.Add(line);
            }
        }
    }

    /// <summary>Targets of links that are no URLs, as they are written.</summary>
    public IEnumerable<string> Links => from line in _lines
                                        from Match match in Link().Matches(CodeSpan().Replace(line, ""))
                                        let target = match.Groups[1].Value
                                        where !Uri.IsWellFormedUriString(target, UriKind.Absolute)
                                        select target;

    /// <summary>What stands in backticks within a line.</summary>
    public IEnumerable<string> Quoted => from line in _lines from Match match in CodeSpan().Matches(line) select match.Groups[1].Value;

    /// <summary>Headings of the second level, in their order.</summary>
    public IEnumerable<string> Sections => from line in _lines where line.StartsWith("## ", StringComparison.Ordinal) select line[3..];

    /// <summary>The file or folder that a link leads to.</summary>
    public string Resolve(string link) =>
        link.Split('#')[0] is { Length: > 0 } path ? Path.GetFullPath(Path.Combine(Path.GetDirectoryName(_file)!, path)) : _file;

    /// <summary>Whether a link leads to something there is, its anchor included.</summary>
    public bool LeadsSomewhere(string link)
    {
        string target = Resolve(link);
        if (!link.Contains('#', StringComparison.Ordinal))
        {
            return Path.Exists(target);
        }

        string anchor = link[(link.IndexOf('#', StringComparison.Ordinal) + 1)..];
        return File.Exists(target) && new MarkdownPage(target)._lines.Exists(line => line.StartsWith('#') && Anchor(line.TrimStart('#').Trim()) == anchor);
    }

    /// <summary>The anchor of a heading, as the hosts of repositories make it.</summary>
    public static string Anchor(string heading) => NotInAnchors().Replace(LinkText().Replace(heading, "$1").ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkText();

    [GeneratedRegex(@"[^\p{L}\p{N}_ -]")]
    private static partial Regex NotInAnchors();
}
