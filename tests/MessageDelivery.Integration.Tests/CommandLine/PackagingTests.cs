using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using MessageDelivery.Integration.Tests.Documents;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>What <c>packaging/</c> makes of the program: a Debian package, a unit, a container file and a bill of materials.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class PackagingTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_package_has_the_program_its_unit_and_its_settings()
    {
        string package = await BuildAsync(_directory);
        string contents = await RunAsync("dpkg-deb", "--contents", package);
        Assert.Matches(new Regex(@"^-rwxr-xr-x root/root +\d+ \S+ \S+ ./usr/bin/mds$", RegexOptions.Multiline), contents);
        Assert.Matches(new Regex(@"^-rw-r----- root/root +\d+ \S+ \S+ ./etc/mds/mds.json$", RegexOptions.Multiline), contents);
        Assert.Matches(new Regex(@"^drwxr-x--- root/root +\d+ \S+ \S+ ./etc/mds/$", RegexOptions.Multiline), contents);
        Assert.All(
            ["./lib/systemd/system/mds.service", "./lib/systemd/system/mds.socket", "./etc/logrotate.d/mds", "./usr/share/man/man1/mds.1.gz", "./usr/share/doc/mds/copyright",
                "./usr/share/doc/mds/examples/mds.rules.yml", "./usr/share/doc/mds/examples/mds.json",
                "./usr/share/bash-completion/completions/mds", "./usr/share/zsh/vendor-completions/_mds", "./usr/share/fish/vendor_completions.d/mds.fish"],
            file => Assert.Contains(file, contents, StringComparison.Ordinal));

        string control = await RunAsync("dpkg-deb", "--field", package);
        Assert.Contains("Package: mds\n", control, StringComparison.Ordinal);
        Assert.Contains($"Version: {VersionTests.Version}\n", control, StringComparison.Ordinal);
        Assert.Matches(new Regex(@"^Depends: .*libc6 \(>= 2\.\d+\)", RegexOptions.Multiline), control);
        Assert.DoesNotContain("@", control.Replace("authors@", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_program_makes_the_same_package()
    {
        byte[] first = await File.ReadAllBytesAsync(await BuildAsync(_directory));
        Assert.Equal(first, await File.ReadAllBytesAsync(await BuildAsync(_directory)));
    }

    [Fact]
    public async Task The_packages_settings_are_good()
    {
        string directory = _directory.CreateSubdirectory("config").FullName;
        foreach (string name in (string[])["mds.json", "container.json"])
        {
            // Where it writes its audit is made by the unit.
            string file = Path.Combine(directory, name);
            File.WriteAllText(file, File.ReadAllText(Repository.File($"packaging/{name}")).Replace("/var/log/mds/", $"{directory}/", StringComparison.Ordinal));
            var result = await MdsProcess.RunAsync("check-config", "--config", file);
            Assert.Equal(("", 0), (result.Error, result.ExitCode));
            Assert.Contains("127.0.0.1:8888", result.Text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("postinst", "configure", "", "adduser --quiet --system --group|deb-systemd-helper unmask mds.service|deb-systemd-helper enable mds.service|chown root:mds /etc/mds /etc/mds/mds.json")]
    [InlineData("postinst", "configure", "0.0.1", "deb-systemd-helper enable mds.service")]
    [InlineData("postinst", "abort-upgrade", "0.0.2", "deb-systemd-helper enable mds.service")]
    [InlineData("prerm", "remove", "", "")]
    [InlineData("prerm", "upgrade", "0.0.2", "")]
    [InlineData("postrm", "remove", "", "deb-systemd-helper mask mds.service")]
    [InlineData("postrm", "purge", "", "deb-systemd-helper purge mds.service mds.socket|rm -rf /var/log/mds|deluser --quiet --system mds")]
    public async Task Maintainer_scripts_do_what_each_step_needs(string script, string step, string version, string expected)
    {
        // Every command that would change this machine is a stub that notes what it was told.
        string stubs = _directory.CreateSubdirectory("stubs").FullName, log = Path.Combine(_directory.FullName, "calls");
        foreach (string command in (string[])["adduser", "deluser", "chown", "rm", "rmdir", "deb-systemd-helper", "deb-systemd-invoke", "systemctl", "getent"])
        {
            string stub = Path.Combine(stubs, command);
            // There is no such user before the package is installed, and one before it is purged.
            File.WriteAllText(stub, $"#!/bin/sh\necho \"{command} $*\" >>{log}\nexit {(command == "getent" && script == "postinst" ? 1 : 0)}\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(stub, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }
        }

        await RunAsync("/bin/sh", "-c", $"PATH={stubs}:/usr/bin:/bin; export PATH; exec /bin/sh {Repository.File($"packaging/deb/{script}")} {step} {version}");
        string calls = File.Exists(log) ? await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken) : "";
        Assert.All(expected.Split('|', StringSplitOptions.RemoveEmptyEntries), call => Assert.Contains(call, calls, StringComparison.Ordinal));
        if (version.Length > 0)
        {
            Assert.DoesNotContain("chown", calls, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_unit_is_hardened_and_every_file_it_names_is_in_the_package()
    {
        string[] unit = File.ReadAllLines(Repository.File("packaging/mds.service"));
        Assert.All(
            [
                "Type=notify", "User=mds", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "MemoryDenyWriteExecute=yes",
                "SystemCallFilter=@system-service", "ExecStart=/usr/bin/mds serve --config /etc/mds/mds.json", "ExecReload=/bin/sh -c 'kill -HUP $$MAINPID'",
            ],
            line => Assert.Contains(line, unit));
    }

    [Fact]
    public void The_container_file_copies_what_there_is_and_is_not_root()
    {
        string[] lines = File.ReadAllLines(Repository.File("packaging/Containerfile"));
        var sources = lines.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal)).Select(line => line.Split(' ')[^2]);
        Assert.All(sources.Where(source => source != "artifacts/mds"), source => Assert.True(File.Exists(Repository.File(source))));
        Assert.Contains("USER 65532:65532", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("RUN ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_bill_of_materials_names_what_was_linked_in()
    {
        string assets = Path.Combine(_directory.FullName, "project.assets.json"), bill = Path.Combine(_directory.FullName, "bill.json");
        string metadata = Directory.CreateDirectory(Path.Combine(_directory.FullName, "packages/some.library/1.2.3")).FullName;
        await File.WriteAllTextAsync(Path.Combine(metadata, "some.library.nuspec"), """
            <package><metadata><id>Some.Library</id><authors>Somebody</authors><license type="expression">Apache-2.0</license></metadata></package>
            """, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(assets, $$"""
            {
              "targets": { "net10.0": {}, "net10.0/linux-x64": {
                "Some.Library/1.2.3": { "type": "package", "dependencies": { "Other": "2.0.0" }, "runtime": { "lib/net10.0/Some.Library.dll": {} } },
                "Other/2.0.0": { "type": "package" },
                "Ours/0.1.0": { "type": "project" } } },
              "libraries": { "Some.Library/1.2.3": { "sha512": "AQID" }, "Other/2.0.0": { "sha512": "BAUG" } },
              "packageFolders": { "{{_directory.FullName}}/packages/": {} },
              "project": { "frameworks": { "net10.0": {} } }
            }
            """, TestContext.Current.CancellationToken);
        await using var run = MdsProcess.Start([assets, MdsProcess.Program, "0.1.0", bill], program: "mds-sbom");
        var result = await run.EndAsync();
        Assert.Equal((0, "1 packages are part of it, 1 helped to build it\n"), (result.ExitCode, result.Text));

        var root = JsonDocument.Parse(await File.ReadAllBytesAsync(bill, TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal(("CycloneDX", "1.6"), (root.GetProperty("bomFormat").GetString(), root.GetProperty("specVersion").GetString()));
        var components = root.GetProperty("components").EnumerateArray().ToDictionary(component => component.GetProperty("purl").GetString()!);
        Assert.Equal(["pkg:nuget/Other@2.0.0", "pkg:nuget/Some.Library@1.2.3"], components.Keys.Order());
        var library = components["pkg:nuget/Some.Library@1.2.3"];
        Assert.Equal("required", library.GetProperty("scope").GetString());
        Assert.Equal("010203", library.GetProperty("hashes")[0].GetProperty("content").GetString());
        Assert.Equal("Apache-2.0", library.GetProperty("licenses")[0].GetProperty("license").GetProperty("id").GetString());
        Assert.Equal("excluded", components["pkg:nuget/Other@2.0.0"].GetProperty("scope").GetString());
    }

    internal static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program}: {await error}");
        return output;
    }

    internal static async Task<string> BuildAsync(DirectoryInfo directory)
    {
        // Any file will do that asks for something of the C library.
        string output = await RunAsync(Repository.File("packaging/build-deb"), MdsProcess.Program, "linux-x64", directory.FullName);
        return Path.Combine(directory.FullName, output.Trim());
    }
}
