using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using MessageDelivery.Client;
using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Documents;

/// <summary>One version: that of Directory.Build.props. PackagingTests hold the Debian package to it.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class VersionTests
{
    private const string Unreleased = "## Unreleased";

    /// <summary>What is being built.</summary>
    public static string Version { get; } = VersionElement().Match(File.ReadAllText(Repository.File("Directory.Build.props"))).Groups[1].Value;

    [Fact]
    public async Task The_command_tells_it() =>
        Assert.Matches($@"\A{Regex.Escape(Version)}(\+|\s)", (await MdsProcess.RunAsync("--version")).Text);

    [Fact]
    public void The_changelog_begins_with_it_behind_what_is_not_released_yet()
    {
        string heading = Headings().First(heading => heading != Unreleased);
        var newest = ReleaseHeading().Match(heading);
        Assert.True(newest.Success, heading);
        Assert.Equal(Version, newest.Groups[1].Value);
    }

    [Fact]
    public void The_libraries_and_their_packages_have_it()
    {
        Assert.All([typeof(HubClient), typeof(MessageHub)], type => Assert.Matches(
            $@"\A{Regex.Escape(Version)}(\+|\z)", type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion));
        Assert.Empty(Directory.EnumerateFiles(Repository.File("src"), "*.csproj", SearchOption.AllDirectories)
            .Where(project => OwnVersion().IsMatch(File.ReadAllText(project))).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_tag_of_this_commit_names_it()
    {
        // A copy without its history has no tags.
        if (!Path.Exists(Repository.File(".git")))
        {
            return;
        }

        var start = new ProcessStartInfo("git", ["-c", "safe.directory=*", "-C", Repository.File(""), "tag", "--points-at", "HEAD", "--list", "v*"])
        {
            RedirectStandardOutput = true,
        };
        using var git = Process.Start(start)!;
        string[] tags = (await git.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await git.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, git.ExitCode);
        Assert.All(tags, tag => Assert.Equal($"v{Version}", tag));
        Assert.True(tags.Length == 0 || Headings().First() != Unreleased, "A release has nothing that is not released.");
    }

    private static IEnumerable<string> Headings() =>
        File.ReadLines(Repository.File("CHANGELOG.md")).Where(line => line.StartsWith("## ", StringComparison.Ordinal));

    [GeneratedRegex("<Version>(.+)</Version>")]
    private static partial Regex VersionElement();

    [GeneratedRegex(@"^## (\d+\.\d+\.\d+) - (\d{4}-\d{2}-\d{2})$")]
    private static partial Regex ReleaseHeading();

    [GeneratedRegex("<(Package|Assembly|File|Informational)?Version(Prefix|Suffix)?>")]
    private static partial Regex OwnVersion();
}
