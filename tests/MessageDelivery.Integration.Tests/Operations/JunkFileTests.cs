using System.Text;
using MessageDelivery.Cli;
using MessageDelivery.Cli.Operations;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Tls;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>Whatever a file holds, what reads it says so in a line that names the file, or uses it; without a process.</summary>
public sealed class JunkFileTests
{
    private const int Mutations = 400;

    public static TheoryData<string> Trials => [.. ReadFiles.Trials];

    [Fact]
    public void Every_file_that_is_read_has_a_trial()
    {
        Assert.Equal(
            HubSettings.All.Where(setting => setting.File == FileUse.Read).Select(setting => setting.Name).Append(ReadFiles.Configuration).Order(),
            ReadFiles.Trials.Select(trial => trial.Split('/')[0]).Distinct().Order());
        Assert.Equal(
            HubSettings.All.Where(setting => setting.ValueName == "FILE").Select(setting => setting.Name),
            HubSettings.All.Where(setting => setting.File != FileUse.None).Select(setting => setting.Name));
    }

    /// <summary>The program reads files in one way only, in which nothing that stands at a path can hold it up.</summary>
    [Fact]
    public void No_other_way_to_read_a_file_is_used_for_settings_tokens_keys_and_certificates()
    {
        string[] folders = ["src/MessageDelivery.Cli/Settings", "src/MessageDelivery.Cli/Tls", "src/MessageDelivery.Cli.Doctor", "src/MessageDelivery.Hub/Access"];
        string[] ways = ["File.ReadAll", "File.OpenRead", "FromPemFile", "FileMode.Open", "FromFile(path"];
        string root = Path.GetDirectoryName(CommandLine.Repository.File("MessageDelivery.slnx"))!;
        Assert.Empty(
            from file in folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            from line in File.ReadLines(file)
            where ways.Any(way => line.Contains(way, StringComparison.Ordinal))
            select $"{Path.GetFileName(file)}: {line.Trim()}");
    }

    [Theory]
    [MemberData(nameof(Trials))]
    public void The_good_one_is_read_also_behind_a_byte_order_mark(string trial)
    {
        using var files = new ReadFiles(trial);
        Assert.Null(Problem(files));
        if (trial is not ("jwt-secret" or "tls-pkcs12"))
        {
            files.Put([.. Encoding.UTF8.Preamble, .. files.Good]);
            Assert.Null(Problem(files));
        }
    }

    [Theory]
    [MemberData(nameof(Trials))]
    public void What_has_nothing_to_do_with_it(string trial)
    {
        using var files = new ReadFiles(trial);
        foreach (var (name, content) in Junk.Of(files.Good))
        {
            files.Put(content);
            Check(files, name);
        }

        foreach (string name in Junk.OtherNames)
        {
            files.Remove();
            Junk.Make(name, files.Path);
            Check(files, name);
            files.Remove();
        }
    }

    [Theory]
    [MemberData(nameof(Trials))]
    public void The_good_one_with_a_few_things_changed(string trial)
    {
        using var files = new ReadFiles(trial);
        for (int seed = 0; seed < Mutations; seed++)
        {
            files.Put(Junk.Mutate(files.Good, seed));
            Check(files, $"seed {seed}");
        }
    }

    private static void Check(ReadFiles files, string name)
    {
        try
        {
            if (Problem(files) is not { } problem)
            {
                return;
            }

            Assert.DoesNotContain("(Parameter", problem, StringComparison.Ordinal);
            Assert.DoesNotContain("Exception", problem, StringComparison.Ordinal);
            Assert.True(
                problem.Contains(Path.GetDirectoryName(files.Path)!, StringComparison.Ordinal) || problem.Contains("from ", StringComparison.Ordinal), problem);
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.IAssertionException)
        {
            Assert.Fail($"{name[..Math.Min(100, name.Length)]}: {exception}");
        }
    }

    /// <summary>All that a hub does with the files before it listens; null if it is content.</summary>
    private static string? Problem(ReadFiles files)
    {
        try
        {
            var settings = Loader(files.Options).Load().Settings;
            Assert.NotNull(AuditLog.Check(settings).ToList());
            var auth = settings.Auth.Load();
            var (tls, _) = CertificateReloading.Load(settings.Tls);
            if (tls.Certificates is { } certificates)
            {
                Assert.NotNull(new TlsTerms(tls, certificates));
            }

            Assert.NotNull(new MessageHub(settings.Hub with { Authenticator = auth.Authenticator, Tls = tls }));
            return null;
        }
        catch (CommandException exception)
        {
            Assert.Contains(exception.ExitCode, (ExitCode[])[ExitCode.Usage, ExitCode.InputOutput]);
            return exception.Message;
        }
    }

    private static SettingsLoader Loader(IReadOnlyList<string> options)
    {
        var source = new SettingSource(setting => setting.OptionName);
        string? file = null;
        for (int i = 0; i < options.Count; i += 2)
        {
            if (options[i] == $"--{ReadFiles.Configuration}")
            {
                file = options[i + 1];
            }
            else
            {
                source.Add(HubSettings.All.Single(setting => setting.OptionName == options[i]), [options[i + 1]]);
            }
        }

        return new(source, file);
    }
}
