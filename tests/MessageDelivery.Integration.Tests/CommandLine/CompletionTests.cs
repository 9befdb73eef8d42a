using System.Diagnostics;
using MessageDelivery.Cli.Completion;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Usage;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>The scripts of <c>mds completion</c>, run by the shells that they are for.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class CompletionTests : IDisposable
{
    // What COMPREPLY has is what bash would offer.
    private const string Bash = """
        source "$0"
        COMP_WORDS=("$@")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _mds
        printf '%s\n' "${COMPREPLY[@]}"
        """;

    // Outside of the line editor the builtins of completion are stubs that print what they are given.
    private const string Zsh = """
        compdef() { :; }
        compset() { :; }
        compadd() { shift; print -rl -- "$@"; }
        _files() { print -rl -- *(N); }
        _describe() { print -rl -- "${(@)${(@P)@[-1]}%%:*}"; }
        source "$1"
        shift
        words=("$@")
        CURRENT=${#words}
        PREFIX="${words[-1]}"
        _mds
        """;

    private static readonly string[] Files = ["_mds", "mds.bash", "mds.fish"];

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds-completion");

    /// <summary>Words of a command line, the last one unfinished, and some of what completes it.</summary>
    public static TheoryData<string, string> Lines => new()
    {
        { "mds rel", "relay" },
        { "mds ", "serve list echo relay token completion help" },
        { "mds relay --jso", "--json" },
        { "mds relay hello --bes", "--best-effort" },
        { "mds serve --log-level ", "trace debug information warning error critical none" },
        { "mds serve --ids r", "random" },
        { "mds check-config --tls r", "required" },
        { "mds attack --only ht", "http" },
        { "mds token ", "add list remove jwt" },
        { "mds token add alice --reach g", "group" },
        { "mds bench fan", "fan-out fan-in" },
        { "mds bench pairs --us", "--users" },
        { "mds bench pairs --hu", "--hub" },
        { "mds help rel", "relay" },
        { "mds completion ", "bash zsh fish" },
        { "mds relay --to 1 --file pic", "picture.png" },
    };

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("bash", "mds.bash")]
    [InlineData("zsh", "_mds")]
    [InlineData("fish", "mds.fish")]
    public async Task The_stored_script_is_the_one_that_the_program_prints(string shell, string file)
    {
        string stored = await File.ReadAllTextAsync(Repository.File($"packaging/completion/{file}"), TestContext.Current.CancellationToken);
        var printed = await MdsProcess.RunAsync("completion", shell);
        Assert.Equal((0, ""), (printed.ExitCode, printed.Error));
        Assert.True(stored == printed.Text, $"packaging/completion/{file} is not what 'mds completion {shell}' prints: packaging/generate stores it.");
        Assert.All(Verbs().SelectMany(verb => verb.Options), option => Assert.Contains(shell == "fish" ? $" -l {option.Name[2..]} " : option.Name, $"{stored} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_shell_that_there_is_not_is_an_error()
    {
        var result = await MdsProcess.RunAsync("completion", "csh");
        Assert.Equal((2, ""), (result.ExitCode, result.Text));
        Assert.Contains("'csh'", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, result.Error.Count(c => c == '\n'));
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public async Task Shells_complete_verbs_options_values_and_files(string line, string expected)
    {
        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "picture.png"), "", TestContext.Current.CancellationToken);
        // bash is everywhere; the others are asked where they are installed.
        foreach (string shell in CompletionScript.Shells.Where(shell => shell == "bash" || IsInstalled(shell)))
        {
            string[] offered = await CompleteAsync(shell, line.Split(' '));
            Assert.All(expected.Split(' '), word => Assert.Contains(word, offered));
            if (line.EndsWith(' '))
            {
                continue;
            }

            Assert.All(offered, word => Assert.StartsWith(line.Split(' ')[^1], word, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Bash_offers_every_option_of_every_verb_and_every_value_of_every_setting_that_has_a_few()
    {
        foreach (var verb in Verbs())
        {
            string[] path = ["mds", .. verb.Path.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
            Assert.Equal(
                verb.Options.Select(option => option.Name).Order(StringComparer.Ordinal),
                (await CompleteAsync("bash", [.. path, "--"])).Order(StringComparer.Ordinal));
        }

        var closed = HubSettings.All.Where(setting => SettingChoices.Of(setting).Count > 0).ToList();
        Assert.Contains(closed, setting => setting.Name == "log-level");
        foreach (var setting in closed)
        {
            string[] offered = await CompleteAsync("bash", ["mds", "serve", setting.OptionName, ""]);
            Assert.All(SettingChoices.Of(setting), value => Assert.Contains(value, offered));
        }
    }

    [Fact]
    public async Task Bash_knows_an_equals_sign_and_offers_nothing_for_texts()
    {
        Assert.Equal(["debug"], await CompleteAsync("bash", ["mds", "serve", "--log-level", "=", "d"]));
        Assert.Contains("debug", await CompleteAsync("bash", ["mds", "serve", "--log-level", "="]));
        Assert.Equal([""], await CompleteAsync("bash", ["mds", "echo", "--", "--js"]));
        Assert.Equal([""], await CompleteAsync("bash", ["mds", "relay", "--to", ""]));
    }

    private static IReadOnlyList<Verb> Verbs() => CommandTree.VerbsOf(Cli.CommandLine.Root());

    private static bool IsInstalled(string shell) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, shell)));

    private async Task<string[]> CompleteAsync(string shell, string[] words)
    {
        string script = Repository.File($"packaging/completion/{Files.Single(file => file == "_mds" ? shell == "zsh" : file.EndsWith(shell, StringComparison.Ordinal))}");
        string last = words[^1];
        string[] arguments = shell switch
        {
            "bash" => ["--norc", "-c", Bash, script, .. words],
            "zsh" => ["-f", "-c", Zsh, "zsh", script, .. words],
            _ => ["--no-config", "-c", $"source '{script}'; complete -C '{string.Join(' ', words)}'"],
        };
        using var process = Process.Start(new ProcessStartInfo(shell, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _directory.FullName,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("", await error);
        string[] lines = [.. output.TrimEnd('\n').Split('\n').Select(line => line.Split('\t')[0])];
        // The line editor of zsh leaves out what does not fit; the stubs do not.
        return shell == "zsh" ? [.. lines.Where(line => line.StartsWith(last, StringComparison.Ordinal))] : lines;
    }
}
