using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The manual page, which is made from the verbs and their options.</summary>
public sealed class ManualPageTests
{
    private static readonly string Page = File.ReadAllText(Repository.File("packaging/mds.1"));

    [Fact]
    public void The_stored_page_is_the_one_that_the_program_prints() =>
        Assert.True(Page == ManualPage.Of(Cli.CommandLine.Root()), "packaging/mds.1 is not what 'mds manual' prints: packaging/generate stores it.");

    [Fact]
    public void Every_verb_and_every_option_is_in_it()
    {
        var verbs = CommandTree.VerbsOf(Cli.CommandLine.Root());
        Assert.All(verbs, verb => Assert.Contains($"\n.SS \"mds {Escaped(verb.Path)}", $"{Page}\n.SS \"mds ", StringComparison.Ordinal));
        Assert.All(verbs.SelectMany(verb => verb.Options), option => Assert.Contains($"\n.B {Escaped(option.Name)}", Page, StringComparison.Ordinal));
        string relay = Section("relay");
        Assert.All(["best-effort", "confirm", "file", "json", "to"], option => Assert.Contains(Escaped($".B --{option}"), relay, StringComparison.Ordinal));
        Assert.All(["--hub", "--token-file", "--tls-ca"], option => Assert.Contains(Escaped(option), relay, StringComparison.Ordinal));
        Assert.Contains("all options of 'mds serve'", Section("doctor"), StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_is_taken_for_a_request() => Assert.All(
        Page.Split('\n').Where(line => line.StartsWith('.') || line.StartsWith('\'')),
        line => Assert.Contains(line.Split(' ')[0], (string[])[".\\\"", ".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".BR", ".RI", ".nf", ".fi"]));

    private static string Section(string verb)
    {
        int start = Page.IndexOf($"\n.SS \"mds {verb} ", StringComparison.Ordinal);
        Assert.True(start > 0);
        return Page[start..Page.IndexOf("\n.S", start + 1, StringComparison.Ordinal)];
    }

    private static string Escaped(string text) => text.Replace("-", @"\-", StringComparison.Ordinal);
}
