using System.IO.Compression;
using System.Text.RegularExpressions;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Documents;

/// <summary>The Debian package has the pages that it speaks of, and their links lead to each other.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class PackagedPagesTests : IDisposable
{
    private const string Pages = "usr/share/doc/mds";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Every_link_of_every_page_leads_somewhere_in_the_package()
    {
        string root = await ExtractAsync();
        string[] files = Directory.GetFiles(Path.Combine(root, Pages), "*.md", SearchOption.AllDirectories);
        Assert.Contains(Path.Combine(root, Pages, "operations.md"), files);
        Assert.Empty(from file in files
                     let page = new MarkdownPage(file)
                     from link in page.Links
                     where !page.LeadsSomewhere(link) || !page.Resolve(link).StartsWith(root, StringComparison.Ordinal)
                     select $"{Path.GetFileName(file)}: {link}");
    }

    [Fact]
    public async Task Every_page_that_the_manual_the_unit_and_the_licence_name_is_in_it()
    {
        string root = await ExtractAsync();
        using var zipped = new GZipStream(File.OpenRead(Path.Combine(root, "usr/share/man/man1/mds.1.gz")), CompressionMode.Decompress);
        string manual = await new StreamReader(zipped).ReadToEndAsync(TestContext.Current.CancellationToken);
        string unit = await File.ReadAllTextAsync(Path.Combine(root, "lib/systemd/system/mds.service"), TestContext.Current.CancellationToken);
        string[] inManual = [.. Page().Matches(manual).Select(match => match.Value)], inUnit = [.. Page().Matches(unit).Select(match => match.Value)];
        Assert.NotEmpty(inManual);
        Assert.NotEmpty(inUnit);
        Assert.DoesNotContain(inManual.Concat(inUnit), page => !File.Exists(root + page));
        Assert.Contains(".SH SEE ALSO", manual, StringComparison.Ordinal);
        Assert.Contains("Documentation=man:mds(1) file:///usr/share/doc/mds/operations.md", unit, StringComparison.Ordinal);
    }

    private async Task<string> ExtractAsync()
    {
        string root = Path.Combine(_directory.FullName, "root");
        await PackagingTests.RunAsync("dpkg-deb", "--extract", await PackagingTests.BuildAsync(_directory), root);
        return root;
    }

    [GeneratedRegex(@"/usr/share/doc/mds/[\w./-]*\w")]
    private static partial Regex Page();
}
