using System.Text.RegularExpressions;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Documents;

/// <summary>What the pages name is there: links, files, scripts, tests and folders.</summary>
public sealed partial class PageTests
{
    private static readonly string Root = Repository.File("");

    private static readonly string[] Folders = ["docs", "benchmarks", "spec", "samples", "src", "packaging"];

    /// <summary>All pages, by their paths in the repository.</summary>
    public static TheoryData<string> Pages => [.. PagePaths];

    private static IEnumerable<string> PagePaths =>
        Directory.EnumerateFiles(Root, "*.md")
            .Concat(Folders.Where(folder => Directory.Exists(Repository.File(folder)))
                .SelectMany(folder => Directory.EnumerateFiles(Repository.File(folder), "*.md", SearchOption.AllDirectories)))
            .Select(file => Path.GetRelativePath(Root, file))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj"))
            .Order(StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_leads_somewhere(string path)
    {
        var page = new MarkdownPage(Repository.File(path));
        Assert.DoesNotContain(page.Links, link => !page.LeadsSomewhere(link));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_file_and_script_that_is_quoted_is_there(string path) => Assert.Empty(
        from quoted in new MarkdownPage(Repository.File(path)).Quoted
        let name = quoted.Split(' ')[0]
        where (InRepository().IsMatch(quoted) || Script().IsMatch(name)) && !Path.Exists(Repository.File(name.TrimEnd('/')))
        select quoted);

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_test_that_is_quoted_is_there(string path)
    {
        var quoted = new MarkdownPage(Repository.File(path)).Quoted.Where(name => TestClass().IsMatch(name)).ToHashSet();
        if (quoted.Count > 0)
        {
            var sources = Directory.EnumerateFiles(Repository.File("tests"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText).ToList();
            quoted.RemoveWhere(name => sources.Exists(source => source.Contains($"class {name}\n", StringComparison.Ordinal)
                || source.Contains($"class {name}(", StringComparison.Ordinal) || source.Contains($"class {name} :", StringComparison.Ordinal)));
        }

        Assert.Empty(quoted);
    }

    [Fact]
    public void Every_page_that_the_sources_name_is_there()
    {
        var named = from folder in (string[])["src", "tests", "benchmarks", "packaging"]
                    from file in Directory.EnumerateFiles(Repository.File(folder), "*.cs", SearchOption.AllDirectories)
                    from Match match in PageName().Matches(File.ReadAllText(file))
                    select match.Value;

        // A decision is named by its number.
        Assert.DoesNotContain(named.Distinct(), name => Directory.GetFileSystemEntries(Root, $"{name}*").Length == 0);
    }

    [Fact]
    public void The_README_leads_to_every_page_in_some_steps()
    {
        var found = new HashSet<string>();
        var open = new Queue<string>(["README.md"]);
        while (open.TryDequeue(out string? path))
        {
            if (!found.Add(path))
            {
                continue;
            }

            var page = new MarkdownPage(Repository.File(path));
            foreach (string target in page.Links.Select(page.Resolve))
            {
                // A link to a folder shows all that is in it.
                string[] files = Directory.Exists(target) ? Directory.GetFiles(target, "*.md") : [target];
                foreach (string file in files.Where(file => file.EndsWith(".md", StringComparison.Ordinal) && File.Exists(file)))
                {
                    open.Enqueue(Path.GetRelativePath(Root, file));
                }
            }
        }

        // What is packed with a library is read in its package.
        Assert.Empty(PagePaths.Where(path => !path.StartsWith("src/", StringComparison.Ordinal)).Except(found));
    }

    [Theory]
    [InlineData("docs/operations.md")]
    [InlineData("docs/protocol.md")]
    public void The_contents_of_a_long_page_name_every_section_in_its_order(string path)
    {
        var page = new MarkdownPage(Repository.File(path));
        var anchors = page.Sections.Select(section => $"#{MarkdownPage.Anchor(section)}").ToList();
        var contents = page.Links.Where(link => link.StartsWith('#')).Take(anchors.Count);
        Assert.Equal(anchors, contents);
    }

    [Fact]
    public void No_two_decisions_have_one_number()
    {
        var numbers = Directory.EnumerateFiles(Repository.File("docs/adr"), "*.md").Select(file => Path.GetFileName(file)[..4]).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(Enumerable.Range(1, numbers.Count).Select(number => $"{number:0000}"), numbers);
    }

    [Fact]
    public void The_architecture_names_every_folder_of_the_hub_and_none_that_is_not()
    {
        var named = new List<string>();
        string parent = "";
        foreach (string line in File.ReadLines(Repository.File("docs/architecture.md")).SkipWhile(line => line != "## The parts").SkipWhile(line => line != "```").Skip(1)
            .TakeWhile(line => line != "```"))
        {
            string name = line.Trim().Split(' ')[0];
            if (!line.StartsWith(' '))
            {
                parent = name;
                named.Add(name.TrimEnd('/'));
            }
            else if (name.EndsWith('/'))
            {
                named.Add($"{parent}/{name.TrimEnd('/')}");
            }
        }

        Assert.DoesNotContain(named, folder => !Directory.Exists(Repository.File(folder)));
        Assert.Empty(FoldersIn("src/MessageDelivery.Hub").Concat(FoldersIn("src")).Except(named));
    }

    [Fact]
    public void The_table_of_folders_names_what_there_is()
    {
        string[] rows =
        [
            .. File.ReadLines(Repository.File("CONTRIBUTING.md")).SkipWhile(line => line != "## Where things are")
                .Where(line => line.StartsWith("| `", StringComparison.Ordinal)).TakeWhile(line => line.Length > 0),
        ];
        var named = rows.Select(row => row.Split('`')[1]).ToList();
        Assert.DoesNotContain(named, folder => !Directory.Exists(Repository.File(folder)));
        Assert.Empty(FoldersIn("src").Except(named));

        string hub = rows.Single(row => row.StartsWith("| `src/MessageDelivery.Hub`", StringComparison.Ordinal));
        Assert.DoesNotContain(QuotedName().Matches(hub).Select(match => match.Groups[1].Value), name => !Directory.Exists(Repository.File($"src/MessageDelivery.Hub/{name}")));
    }

    private static IEnumerable<string> FoldersIn(string folder) => from path in Directory.EnumerateDirectories(Repository.File(folder))
                                                                   let name = Path.GetFileName(path)
                                                                   where name is not ("bin" or "obj")
                                                                   select $"{folder}/{name}";

    [GeneratedRegex(@"^(src|tests|docs|packaging|spec|benchmarks|samples|scripts|\.ci)(/[\w.-]+)+/?$")]
    private static partial Regex InRepository();

    [GeneratedRegex(@"docs/(adr/\d{4}|[a-z-]+(\.md)?)")]
    private static partial Regex PageName();

    [GeneratedRegex(@"^\./[a-z][a-z-]*$")]
    private static partial Regex Script();

    [GeneratedRegex("^[A-Z][A-Za-z0-9]+Tests$")]
    private static partial Regex TestClass();

    [GeneratedRegex("`([A-Z][A-Za-z]+)`")]
    private static partial Regex QuotedName();
}
